"""`python -m tests.chaos`: every blow at every step, then a storm; see docs/chaos.md.

Prints what was done and everything that was wrong; ends with 1 if anything was.
"""

import argparse
import multiprocessing
import os
import secrets
import subprocess
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.chaos import sandbox
from tests.chaos.fair import try_fairness
from tests.chaos.killed_runs import kill_runs
from tests.chaos.storm import Reckoning, Weather, storm
from tests.chaos.systematic import ALL_KINDS, CHAPTERS, Findings, enumerate_blows, suits
from tests.chaos.world import World, fresh
from webapp.config import ROOT

#: The blows of the short form: the worker ends after every commit and at every call.
SHORT_KINDS = ("worker dies after commit", "worker dies at call")
SHORT_CHAPTERS = ("build", "stop")
FORMS = ("all", "steps", "storm", "fair", "kills")
#: The location of a storm's database, so that its disk can be full.
DATABASE_DISK = "48m"
STORM_SETTINGS = {"WINUX_LEASE_SECONDS": "6", "WINUX_MAX_DESKTOPS": "4", "WINUX_WORKER_SLOTS": "4"}
#: A person may launch the next desktop while earlier ones are being removed.
KILLS_SETTINGS = {
    "WINUX_LEASE_SECONDS": "6",
    "WINUX_WORKER_SLOTS": "4",
    "WINUX_MAX_DESKTOPS": "50",
    "WINUX_LAUNCH_BURST": "1000",
}


def main() -> int:
    options = _parse()
    if not sandbox.is_inside():
        options.folder.mkdir(parents=True, exist_ok=True)
        return sandbox.run_inside(sys.argv[1:], os.environ).returncode
    print(f"chaos: seed {options.seed}; logs and databases are in {options.folder}", flush=True)
    wrong = []
    if options.form in ("all", "steps"):
        wrong += run_steps(options)
    if options.form in ("all", "storm"):
        wrong += run_storm(options)
    if options.form in ("all", "fair"):
        wrong += try_fairness(options.folder / "fair")
    if options.form in ("all", "kills"):
        wrong += run_kills(options)
    print(f"chaos: {len(wrong)} wrong (seed {options.seed})")
    return 1 if wrong else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("form", nargs="?", choices=FORMS, default="all")
    parser.add_argument("--seed", default=secrets.token_hex(3), help="of all that is random")
    parser.add_argument("--short", action="store_true", help="fewer kinds of blows")
    parser.add_argument("--chapters", type=_words, help="of: " + ", ".join(CHAPTERS))
    parser.add_argument("--kinds", type=_words, help="of: " + ", ".join(ALL_KINDS))
    parser.add_argument("--lanes", type=int, default=4, help="worlds side by side")
    parser.add_argument("--minutes", type=float, default=5, help="of the storm")
    parser.add_argument("--people", type=int, default=8, help="in the storm")
    parser.add_argument("--desktops", type=int, default=0, help="go on until so many were built")
    parser.add_argument("--workers", type=int, default=2, help="worker processes in the storm")
    parser.add_argument("--pool", type=int, default=6, help="the largest pool in the storm")
    parser.add_argument("--share", type=float, default=1.0, help="of the work is real playbooks")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between a person's acts")
    parser.add_argument("--mischief", type=float, default=2.0, help="seconds between mischiefs")
    parser.add_argument("--launches", type=int, default=150, help="while runs are killed")
    parser.add_argument("--kill-every", type=float, default=2.0, help="seconds between these kills")
    parser.add_argument("--folder", type=Path, default=ROOT / "var/chaos")
    return parser.parse_args()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


# -- every step ------------------------------------------------------------------------------------


def run_steps(options: argparse.Namespace) -> list[str]:
    """Apply all blows to all chapters, in parallel worlds."""
    chapters = options.chapters or (SHORT_CHAPTERS if options.short else tuple(CHAPTERS))
    kinds = options.kinds or (SHORT_KINDS if options.short else ALL_KINDS)
    began, cases, wrong = time.monotonic(), 0, []
    context = multiprocessing.get_context("fork")
    lanes = context.Value("i", 0)
    places = (options.folder, lanes)
    with ProcessPoolExecutor(options.lanes, context, _settle_in, places) as pool:
        pairs = [(one, kind) for kind in kinds for one in chapters if suits(CHAPTERS[one], kind)]
        jobs = {pool.submit(_try, *pair): pair for pair in pairs}
        for job in as_completed(jobs):
            found = job.result()
            cases, wrong = cases + found.cases, wrong + found.wrong
            chapter, kind = jobs[job]
            print(f"{chapter:<12} {kind:<28} {found.cases:>4} cases {len(found.wrong):>3} wrong")
            _show(found.wrong)
    print(f"every step: {cases} cases in {time.monotonic() - began:.0f} s, {len(wrong)} wrong")
    return wrong


_lane: dict[str, World] = {}
_place: dict[str, Path] = {}
_number: dict[str, int] = {}


def _settle_in(folder: Path, lanes: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    with lanes.get_lock():
        lanes.value += 1
        _number["world"] = lanes.value
    _place["folder"] = folder


def _try(chapter: str, kind: str) -> Findings:
    """Try a case in this lane's world; keep a failed world for inspection and create a new one."""
    try:
        if "world" not in _lane:
            number = _number["world"]
            _lane["world"] = World(fresh(_place["folder"] / f"steps-{number}"), number)
        return enumerate_blows(_lane["world"], CHAPTERS[chapter], kind)
    except Exception:  # noqa: BLE001 (reported; other lanes continue)
        _lane.pop("world", None)
        _number["world"] += 20
        return Findings(0, [f"{chapter}: {kind}: the test itself broke: {traceback.format_exc()}"])


# -- the storm -------------------------------------------------------------------------------------


def run_storm(options: argparse.Namespace) -> list[str]:
    weather = Weather(
        seed=options.seed,
        minutes=options.minutes,
        people=options.people,
        pause_s=options.pause,
        mischief_s=options.mischief,
        share=options.share,
        workers=options.workers,
        pool=options.pool,
        desktops=options.desktops,
    )
    folder = fresh(options.folder / "storm")
    (folder / "database").mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DATABASE_DISK}", "chaos", folder / "database"]
    subprocess.run(mount, check=True)
    world = World(folder, number=100, people=weather.people, **STORM_SETTINGS)
    try:
        reckoning = storm(world, weather)
        world.end()
    finally:
        world.keep_database()
    _tell(reckoning)
    return reckoning.wrong


# -- killed runs -----------------------------------------------------------------------------------


def run_kills(options: argparse.Namespace) -> list[str]:
    """Launch desktops while processes of Ansible runs are killed."""
    world = World(
        fresh(options.folder / "kills"), number=120, people=options.people, **KILLS_SETTINGS
    )
    toll = kill_runs(world, options.launches, f"{options.seed}/kills", options.kill_every)
    world.end()
    ends = ", ".join(f"{name} {count}" for name, count in sorted(toll.ends.items()))
    print(f"kills: {toll.kills} processes of runs killed in {toll.seconds:.0f} s; launches: {ends}")
    _show(toll.failures)
    return toll.failures


def _tell(reckoning: Reckoning) -> None:
    print(
        f"storm: {reckoning.seconds:.0f} s, {reckoning.desktops} desktops, "
        f"{reckoning.built} of them built, {reckoning.claimed} claimed from the pool"
    )
    for what in ("answers", "acts", "mischief", "runs", "states"):
        counts = sorted(getattr(reckoning, what).items())
        print(f"  {what}: " + ", ".join(f"{name} {count}" for name, count in counts))
    _show(reckoning.wrong)


def _show(wrong: list[str]) -> None:
    for one in wrong:
        print(f"  WRONG {one[:2000]}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
