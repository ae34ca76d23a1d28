"""`python -m bench.launch`: from the click to XRDP answering, one after the other and many at once.

The concurrent launches exceed the worker's slots, so they also show the launches per minute and the
use of processor time.

All components are real: the pages are requested over HTTP, the worker runs the playbooks, the lab
node creates containers, and a client connects to XRDP from outside. With `--pace 1` the lab node
has the timing of a real Proxmox VE (`labnode/pace.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bench.measured import Launch, address_of, per_minute, phases_of, summary
from bench.processor_time import processor_seconds, spent
from bench.rdp_probe import wait_for_answer
from setup import machine
from setup.failure import SetupFailed
from setup.page_client import LAUNCH_TIMEOUT_S, PageClient
from setup.progress import Progress
from setup.settings import BENCH, Settings, settings_from
from setup.stack import STEPS, Stack

PERSON = "bench"
#: The benchmark is one person with many desktops.
PORTAL_SETTINGS = {"WINUX_MAX_DESKTOPS": "100", "WINUX_LAUNCH_BURST": "1000"}


class Bench:
    """Launches on one stack."""

    def __init__(
        self, settings: Settings, stack: Stack, password: str, *, probes_early: bool
    ) -> None:
        """Prepare launches; `probes_early` probes XRDP from the click on.

        If a container's address is set late, an early probe makes this machine resolve it only once
        a second, and slows the worker.
        """
        self.probes_early = probes_early
        self.settings = settings
        self.stack = stack
        self.password = password
        self.database = settings.folder / "winux.db"

    def one_by_one(self, count: int) -> list[Launch]:
        """Launch desktops one by one, and end each before the next launch."""
        launches = []
        for _ in range(count):
            launches.append(self.launch(threading.Barrier(1)))
            self.stack.end_desktops()
        return launches

    def at_once(self, count: int) -> tuple[list[Launch], dict[str, float]]:
        """Launch all at the same time; return the launches, and processor seconds for each."""
        together = threading.Barrier(count)
        before = processor_seconds(self.stack.children)
        with ThreadPoolExecutor(count) as people:
            launches = list(people.map(lambda _: self.launch(together), range(count)))
        took = spent(before, processor_seconds(self.stack.children))
        self.stack.end_desktops()
        return launches, {name: round(seconds / count, 2) for name, seconds in took.items()}

    def launch(self, together: threading.Barrier) -> Launch:
        client = PageClient(self.settings.url)
        client.sign_in(PERSON, self.password)
        together.wait()
        clicked = time.monotonic()
        path = client.click_launch()
        desktop_id = path.rpartition("/")[2]
        with ThreadPoolExecutor(1) as page:
            shown = page.submit(self._seen_ready, client, path)
            if not self.probes_early:
                shown.result()
            address = address_of(self.database, desktop_id)
            answered = wait_for_answer(address, clicked + LAUNCH_TIMEOUT_S)
            page_s = shown.result() - clicked
        phases = phases_of(self.database, desktop_id)
        return Launch(desktop_id, round(answered - clicked, 2), round(page_s, 2), phases)

    def _seen_ready(self, client: PageClient, path: str) -> float:
        client.wait_ready(path)
        return time.monotonic()


def main() -> int:
    """Print medians, or with --json one object; exit code 1 if a launch failed."""
    options = _options()
    try:
        settings = settings_from(os.environ, "WINUX_BENCH_", BENCH)
        machine.check_root("The benchmark")
        with machine.only_one(settings):
            results = _run(settings, options)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(json.dumps(results, indent=2) if options.json else _table(results))
    return 0


def _run(settings: Settings, options: argparse.Namespace) -> dict[str, dict[str, object]]:
    out = sys.stderr if options.json else sys.stdout
    pace = ["--pace", str(options.pace)] if options.pace else []
    stack = Stack(settings, Progress(STEPS, out), PORTAL_SETTINGS, pace)
    try:
        stack.check()
        stack.prepare_machine()
        portal = stack.start()
        stack.end_desktops()
        password = portal.make_person(PERSON)
        bench = Bench(settings, stack, password, probes_early=not options.pace)
        bench.one_by_one(1)  # warm-up: the first launch after a start is slower
        one_by_one = bench.one_by_one(options.launches)
        results = {"one_by_one": summary(one_by_one)}
        if options.at_once:
            at_once, cpu = bench.at_once(options.at_once)
            rate = {"per_minute": per_minute(at_once), "processor_s_each": cpu}
            results["at_once"] = summary(at_once) | rate
        return results
    finally:
        stack.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--launches", type=int, default=5, help="how many one by one (5)")
    parser.add_argument("--at-once", type=int, default=12, help="how many at the same moment (12)")
    parser.add_argument(
        "--pace",
        type=float,
        default=0.0,
        metavar="FACTOR",
        help="let the lab node take a real Proxmox VE's times: 1 all of them, 0.1 a tenth (none)",
    )
    parser.add_argument("--short", action="store_true", help="2 one by one, 3 at once")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.short:
        options.launches, options.at_once = 2, 3
    return options


def _table(results: dict[str, dict[str, object]]) -> str:
    lines = []
    for name, result in results.items():
        lines.append(f"\n{name.replace('_', ' ')} ({result['launches']} launches)")
        for key in ("answered_median_s", "answered_slowest_s", "ready_median_s", "page_median_s"):
            lines.append(f"  {key.removesuffix('_s').replace('_', ', '):22} {result[key]:>7} s")
        phases = result["phases_median_s"]
        if isinstance(phases, dict):
            lines += [f"    {phase:20} {took:>7} s" for phase, took in phases.items()]
        if "per_minute" in result:
            lines.append(f"  {'cold launches a minute':22} {result['per_minute']:>7}")
        cpu = result.get("processor_s_each")
        if isinstance(cpu, dict):
            lines.append("  processor time of each")
            lines += [f"    {name:22} {seconds:>7} s" for name, seconds in cpu.items()]
    return "\n".join(["From the click to XRDP answering", *lines])


if __name__ == "__main__":
    sys.exit(main())
