"""`python -m bench.warm`: from the click to a desktop, out of the pool, beside making one.

All components are real: the pages are requested over HTTP, the worker fills the pool, the lab node
creates containers, a client connects to XRDP from outside. In the same run, one after the other:
warm launches one at a time (the pool is full at each click) and by ten people at the same moment;
cold ones, with no pool; and `ansible-playbook create-winux-session.yml` by hand.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.rdp_probe import wait_for_answer
from setup import machine
from setup.environment import VENV
from setup.failure import SetupFailed
from setup.lab import credentials
from setup.page_client import LAUNCH_TIMEOUT_S, PageClient
from setup.portal import GUEST_KEY, Portal
from setup.progress import Progress
from setup.settings import BENCH, CHECKOUT, Settings, settings_from
from setup.stack import STEPS, Stack

#: The target times of a click in seconds: the median, and the 95th percentile.
TARGET_P50_S, TARGET_P95_S = 0.3, 1.0
PORTAL_SETTINGS = {"WINUX_MAX_DESKTOPS": "100", "WINUX_LAUNCH_BURST": "1000"}
#: The maximum seconds for a pool of ten to be built or drained.
POOL_TIMEOUT_S = 300
#: VM ids of desktops created by hand; the portal's own begin at 30001.
FIRST_VMID = 20801


@dataclass(frozen=True)
class Times:
    """Seconds from the click until the page has the connection details, and until XRDP responds."""

    desktop_id: str
    details_s: float
    answered_s: float


class Person:
    """One signed-in browser with the launch page open."""

    def __init__(self, settings: Settings, name: str, password: str) -> None:
        self._settings = settings
        self._client = PageClient(settings.url)
        self._client.sign_in(name, password)

    def launch(self, together: threading.Barrier, look_every_s: float) -> Times:
        """Press *Launch desktop* once all people are ready."""
        form = self._client.open("/").form_with("template", "launch_token")
        if form is None:
            raise SetupFailed("The portal offers nothing to launch.", "Look at its pages.")
        body = urllib.parse.urlencode(form.fields)
        cookie = self._client.cookie_header()
        together.wait()
        clicked = time.monotonic()
        path, page = self._press(form.action, body, cookie)
        while f"{path}/password" not in page:  # not ready yet
            if time.monotonic() > clicked + LAUNCH_TIMEOUT_S:
                raise SetupFailed(f"{path} did not get ready.", "The worker's log says more.")
            time.sleep(look_every_s)
            page = self._ask("GET", path, "", cookie)[1]
        details = time.monotonic() - clicked
        found = re.search(r"(\d+\.\d+\.\d+\.\d+):3389", page)
        if found is None:
            raise SetupFailed("The page shows no address.", "Look at the web server's log.")
        answered = wait_for_answer(found[1], clicked + LAUNCH_TIMEOUT_S) - clicked
        return Times(path.rpartition("/")[2], details, answered)

    def _press(self, action: str, body: str, cookie: str) -> tuple[str, str]:
        """Press the button; return the path of the desktop's page, and that page."""
        path, _ = self._ask("POST", action, body, cookie)
        if not path:
            raise SetupFailed("The launch was refused.", "Look at the web server's log.")
        return path, self._ask("GET", path, "", cookie)[1]

    def _ask(self, method: str, path: str, body: str, cookie: str) -> tuple[str, str]:
        """Request a page; return the final path and its text."""
        web = http.client.HTTPConnection(self._settings.listen, self._settings.port, timeout=60)
        headers = {"Cookie": cookie}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        web.request(method, path, body, headers)
        answer = web.getresponse()
        text = answer.read().decode()
        web.close()
        return answer.headers.get("Location", ""), text


class Bench:
    """Launches on one stack."""

    def __init__(self, settings: Settings, portal: Portal, people: list[Person]) -> None:
        self._settings = settings
        self._portal = portal
        self._people = people
        self._template = portal.ask("template", "list")[0]["name"]

    def set_pool(self, desktops: int) -> None:
        """Set the number of desktops that are kept warm."""
        number = str(desktops)
        options = ["--min", number, "--target", number, "--max", number]
        self._portal.ask("pool", "set", self._template, *options)

    def wait_for_pool(self, desktops: int) -> None:
        """Wait until this number is warm and none is being created or removed."""
        give_up = time.monotonic() + POOL_TIMEOUT_S
        while (states := self._states()) != ["warm"] * desktops:
            if time.monotonic() > give_up:
                raise SetupFailed(f"The pool has {states}.", "The worker's log says more.")
            time.sleep(0.5)

    def _states(self) -> list[str]:
        rows = self._portal.ask("desktop", "list")
        return [row["state"] for row in rows if row["state"] != "ended"]

    def one_at_a_time(self, count: int, pool: int) -> list[Times]:
        """Launch one at a time with a full pool and an idle machine; with `pool` 0 all are cold."""
        results = []
        for _ in range(count):
            self.wait_for_pool(pool)
            results += self._click(1, is_warm=pool > 0)
        return results

    def at_once(self, people: int, rounds: int) -> list[Times]:
        """Launch as many as are warm at the same time; the pool refills meanwhile."""
        results = []
        for _ in range(rounds):
            self.wait_for_pool(people)
            results += self._click(people, is_warm=True)
        return results

    def _click(self, count: int, *, is_warm: bool) -> list[Times]:
        together = threading.Barrier(count)
        look_every_s = 0.25
        warm = {row["id"] for row in self._portal.ask("desktop", "list") if row["state"] == "warm"}
        with ThreadPoolExecutor(count) as pool:
            results = list(
                pool.map(lambda one: one.launch(together, look_every_s), self._people[:count])
            )
        if any((one.desktop_id in warm) != is_warm for one in results):
            raise SetupFailed("A launch did not come from where it should.", "This is a defect.")
        for one in results:
            self._portal.stop_desktop(one.desktop_id)
        return results

    def by_hand(self, count: int) -> list[float]:
        """Return the seconds that `ansible-playbook create-winux-session.yml` takes by hand."""
        with tempfile.TemporaryDirectory(prefix="winux-by-hand-") as folder:
            return [self._create(Path(folder), FIRST_VMID + number) for number in range(count)]

    def _create(self, folder: Path, vmid: int) -> float:
        names = f"session_id=desktop-{vmid:08x} container_id={vmid}"
        began = time.monotonic()
        self._play("create-winux-session.yml", names, folder)
        took = time.monotonic() - began
        self._play("destroy-winux-session.yml", names, folder)
        return took

    def _play(self, playbook: str, names: str, folder: Path) -> None:
        inventory, program = CHECKOUT / "inventory/lab", VENV / "bin/ansible-playbook"
        done = subprocess.run(
            [program, "-i", inventory, CHECKOUT / "playbooks" / playbook, "-e", names],
            cwd=folder,
            env=self._terminal(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupFailed(f"{playbook} failed:\n{done.stdout[-2000:]}", "See above.")

    def _terminal(self, folder: Path) -> dict[str, str]:
        """Return the environment of an operator on this machine."""
        return {
            "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/root"),
            "LANG": "C.UTF-8",
            "PWD": str(folder),
            "WINUX_GUEST_KEY_FILE": str(GUEST_KEY),
            "WINUX_NETWORK": self._settings.subnet,
            **credentials(self._settings, "portal"),
        }


def main() -> int:
    """Print the table, or with --json one object; exit code 1 if a launch failed."""
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


def _run(settings: Settings, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    out = sys.stderr if options.json else sys.stdout
    stack = Stack(settings, Progress(STEPS, out), PORTAL_SETTINGS)
    try:
        stack.check()
        stack.prepare_machine()
        portal = stack.start()
        names = [f"bench{number}" for number in range(options.people)]
        people = [Person(settings, name, portal.make_person(name)) for name in names]
        bench = Bench(settings, portal, people)
        bench.set_pool(0)  # left by an interrupted run
        stack.end_desktops()
        try:
            return _measure(bench, options)
        finally:
            bench.set_pool(0)
    finally:
        stack.stop()


def _measure(bench: Bench, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    bench.one_at_a_time(1, 0)  # warm-up: the first launch after a start is slower
    cold = bench.one_at_a_time(options.cold, 0)
    bench.wait_for_pool(0)
    by_hand = bench.by_hand(options.cold)
    bench.set_pool(options.people)
    warm = bench.one_at_a_time(options.warm, options.people)
    together = bench.at_once(options.people, options.rounds)
    bench.set_pool(0)
    return {
        "warm, one at a time": _summary(warm),
        f"warm, {options.people} people at once": _summary(together),
        "cold": _summary(cold),
        "by hand": {"launches": len(by_hand), "answered_p50_s": _nth(by_hand, 0.5)},
    }


def _summary(times: Sequence[Times]) -> dict[str, float]:
    result: dict[str, float] = {"launches": len(times)}
    kinds: dict[str, Callable[[Times], float]] = {
        "details": lambda one: one.details_s,
        "answered": lambda one: one.answered_s,
    }
    for name, value in kinds.items():
        for part in (0.5, 0.95):
            result[f"{name}_p{part * 100:.0f}_s"] = _nth([value(one) for one in times], part)
    return result


def _nth(values: Sequence[float], part: float) -> float:
    """Return the nearest-rank percentile, which is one of the values."""
    ordered = sorted(values)
    rank = max(1, -(-int(part * 1000) * len(ordered) // 1000))
    return round(ordered[rank - 1], 3)


def _table(results: dict[str, dict[str, float]]) -> str:
    lines = ["", f"{'seconds from the click':32} {'details on the page':>20} {'XRDP answers':>20}"]
    lines.append(f"{'':32} {'p50':>10}{'p95':>10} {'p50':>10}{'p95':>10}")
    for name, result in results.items():
        cells = [
            f"{result[key]:10.3f}" if (key := f"{kind}_{part}_s") in result else f"{'':10}"
            for kind in ("details", "answered")
            for part in ("p50", "p95")
        ]
        title = f"{name} ({result['launches']:.0f})"
        lines.append(f"{title:32} {''.join(cells[:2])} {''.join(cells[2:])}")
    return "\n".join([*lines, "", *_verdict(results)])


def _verdict(results: dict[str, dict[str, float]]) -> list[str]:
    """Report the speed-up over creating a desktop, and whether the targets are met."""
    lines = []
    base = {name: results[name]["answered_p50_s"] for name in ("cold", "by hand")}
    for name, result in results.items():
        if not name.startswith("warm"):
            continue
        ratios = ", ".join(
            f"{other / result['answered_p50_s']:.0f} times faster than {which}"
            for which, other in base.items()
        )
        worst_p50 = max(result["details_p50_s"], result["answered_p50_s"])
        worst_p95 = max(result["details_p95_s"], result["answered_p95_s"])
        is_met = worst_p50 <= TARGET_P50_S and worst_p95 <= TARGET_P95_S
        target = f"p50 ≤ {TARGET_P50_S} s, p95 ≤ {TARGET_P95_S} s {'met' if is_met else 'MISSED'}"
        lines.append(f"{name}: {ratios}; {target}")
    return lines


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--warm", type=int, default=20, help="warm launches one at a time (20)")
    parser.add_argument("--people", type=int, default=10, help="people at once, and the pool (10)")
    parser.add_argument("--rounds", type=int, default=3, help="how often they click (3)")
    parser.add_argument("--cold", type=int, default=3, help="cold launches, and by hand (3)")
    parser.add_argument("--short", action="store_true", help="5 warm, one round of 5, 1 cold")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.short:
        options.warm, options.people, options.rounds, options.cold = 5, 5, 1, 1
    return options


if __name__ == "__main__":
    sys.exit(main())
