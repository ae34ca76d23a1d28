"""`python -m bench.browser`: from the navigation to the first picture of a desktop in the browser.

Real parts: the portal's page, its ticket, the gateway, a desktop of the lab node, Chromium. Two
times are measured: until IronRDP draws for the first time, and until the page shows the desktop (it
waits for visible content). `again` opens a desktop whose session runs; `new` opens a desktop for
the first time, which starts its XFCE.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Page

from bench.viewer import Viewer, viewer
from setup import machine
from setup.failure import SetupFailed
from setup.page_client import PageClient
from setup.progress import Progress
from setup.settings import BENCH, Settings, settings_from
from setup.stack import STEPS, Stack

PERSON = "bench"
#: The benchmark is one person with many desktops.
PORTAL_SETTINGS = {"WINUX_MAX_DESKTOPS": "100", "WINUX_LAUNCH_BURST": "1000"}
#: The target medians.
MOST_S = 2.5
MARKS = """performance.getEntriesByType("mark").map(({ name, startTime }) => [name, startTime])"""
#: Seconds between two desktops, as a person does not open one directly after the other.
PAUSE_S = 1.0


@dataclass(frozen=True)
class Look:
    """Seconds from the navigation: the first draw, and the desktop shown."""

    drawn_s: float
    shown_s: float


def main() -> int:
    """Print medians, or with --json one object; exit code 1 if they exceed the targets."""
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
    return 0 if results["again"]["shown_median_s"] <= MOST_S else 1


def look(person: Viewer, desktop_id: str) -> Look:
    """Open one desktop in its own tab and measure the times."""
    page = person.look_at(desktop_id)
    found = _marks(page)
    page.close()
    time.sleep(PAUSE_S)
    return found


def _marks(page: Page) -> Look:
    marks = dict(page.evaluate(MARKS))
    return Look(marks["desktop-drawn"] / 1000, marks["desktop-shown"] / 1000)


def _run(settings: Settings, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    stack = Stack(settings, Progress(STEPS, sys.stderr), PORTAL_SETTINGS)
    try:
        stack.check()
        stack.prepare_machine()
        portal = stack.start()
        stack.end_desktops()
        password = portal.make_person(PERSON)
        client = PageClient(settings.url)
        client.sign_in(PERSON, password)
        with viewer(settings.url) as person:
            person.sign_in(PERSON, password)
            return _measure(client, person, options)
    finally:
        stack.stop()


def _measure(
    client: PageClient, person: Viewer, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    new, again = [], []
    for _ in range(options.desktops):
        desktop = client.launch_desktop()
        new.append(look(person, desktop.id))
        again += [look(person, desktop.id) for _ in range(options.looks)]
    return {"again": _summary(again), "new": _summary(new)}


def _summary(looks: list[Look]) -> dict[str, float]:
    return {
        "looks": len(looks),
        "drawn_median_s": round(median(one.drawn_s for one in looks), 2),
        "shown_median_s": round(median(one.shown_s for one in looks), 2),
        "shown_slowest_s": round(max(one.shown_s for one in looks), 2),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--desktops", type=int, default=3, help="how many desktops (3)")
    parser.add_argument("--looks", type=int, default=5, help="looks at each after the first (5)")
    parser.add_argument("--short", action="store_true", help="one desktop, 3 looks")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.short:
        options.desktops, options.looks = 1, 3
    return options


def _table(results: dict[str, dict[str, float]]) -> str:
    lines = ["From the navigation to the desktop in the browser"]
    for name, result in results.items():
        lines.append(f"\n{name} ({result['looks']:.0f} looks)")
        lines += [
            f"  {key.removesuffix('_s').replace('_', ', '):18} {value:>6} s"
            for key, value in result.items()
            if key.endswith("_s")
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
