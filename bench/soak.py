"""`python -m bench.soak`: a busy desktop in the browser for a long time.

A terminal scrolls, a shape rotates, a window is dragged back and forth. Every half minute all of it
stops and the picture is compared with the framebuffer inside the desktop, tile by tile.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field

from playwright.sync_api import Page

from bench.inside import Inside, inside_of
from bench.picture import Comparison, settled
from bench.viewer import Viewer, viewer, wait_shown
from setup import machine
from setup.failure import SetupFailed
from setup.page_client import PageClient
from setup.progress import Progress
from setup.settings import BENCH, Settings, settings_from
from setup.stack import STEPS, Stack

PERSON = "bench"
#: The whole soak uses one desktop.
PORTAL_SETTINGS = {"WINUX_MAX_DESKTOPS": "100", "WINUX_LAUNCH_BURST": "1000"}
ROUND_S = 30
#: A busy screen without a draw for this number of seconds counts as frozen.
FREEZE_S = 3.0
SINCE = """[
    performance.now() - desktopView.picture.drawnAt,
    desktopView.connection.link.received,
]"""
SCROLLING = "xfce4-terminal --disable-server --geometry 100x30+40+120 -x sh -c"
SCROLL_FOREVER = "'while :; do ls -laR /usr/share 2>/dev/null; done'"
TURNING = "ico -r -faces -colors red -colors green -colors blue -geometry 300x300+900+60"


@dataclass
class Waits:
    """The longest time without a draw, and its causes."""

    undrawn_s: float = 0.0
    silent_s: float = 0.0
    """The gateway sent nothing: the desktop or the gateway was slow."""
    blocked_s: float = 0.0
    """The page's thread did not respond: the browser was busy, or had no processor time."""


@dataclass
class Round:
    """Half a minute: the draws, their cost for the browser, and whether the picture was right."""

    minute: float
    draws_per_s: float
    waits: Waits
    heap_mb: float
    received_mb: float
    worst_db: float
    wrong_tiles: list[tuple[int, int, float]]


@dataclass
class Soak:
    """A busy desktop and the page that shows it."""

    page: Page
    inside: Inside
    rounds: list[Round] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    reconnects: int = 0

    def run(self, minutes: float) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.inside.lend("xwd", "ico")
        began = time.monotonic()
        while time.monotonic() - began < minutes * 60:
            done = self._round((time.monotonic() - began) / 60)
            self.rounds.append(done)
            print(f"  {_line(done)}", flush=True, file=sys.stderr)

    def summary(self) -> dict[str, object]:
        rounds = self.rounds
        return {
            "minutes": round(rounds[-1].minute + ROUND_S / 60, 1),
            "draws_per_s": [round(min(r.draws_per_s for r in rounds)), *_last(rounds)],
            "longest_gap_s": max(r.waits.undrawn_s for r in rounds),
            "heap_mb_first_last": [rounds[0].heap_mb, rounds[-1].heap_mb],
            "received_mb": round(sum(r.received_mb for r in rounds)),
            "worst_tile_db": min(r.worst_db for r in rounds),
            "wrong_tiles": [tile for r in rounds for tile in r.wrong_tiles],
            "reconnects": self.reconnects,
            "errors": self.errors,
        }

    @property
    def is_good(self) -> bool:
        return not self.errors and not self.reconnects and all(_is_good(r) for r in self.rounds)

    def _round(self, minute: float) -> Round:
        self.inside.start(f"{SCROLLING} {SCROLL_FOREVER}")
        self.inside.start(TURNING)
        time.sleep(2)
        before = self._counts()
        waits = self._drag_about(ROUND_S)
        after = self._counts()
        heap_mb = self._heap_mb()
        compared = self._rest()
        return Round(
            minute=round(minute, 1),
            draws_per_s=round((after[0] - before[0]) / (after[1] - before[1]), 1),
            waits=waits,
            heap_mb=heap_mb,
            received_mb=round((after[2] - before[2]) / 1e6, 1),
            worst_db=round(compared.worst_db, 1),
            wrong_tiles=compared.wrong,
        )

    def _drag_about(self, seconds: float) -> Waits:
        """Drag the terminal by its title for a number of seconds."""
        mouse, began, step = self.page.mouse, time.monotonic(), 0
        waits, received, heard_at = Waits(), 0, began
        mouse.move(300, 130)
        mouse.down()
        while time.monotonic() - began < seconds:
            step, asked_at = step + 1, time.monotonic()
            mouse.move(300 + 12 * (step % 40), 130 + 5 * (step % 30))
            undrawn_ms, received_now = self.page.evaluate(SINCE)
            now = time.monotonic()
            if received_now != received:
                received, heard_at = received_now, now
            waits.undrawn_s = round(max(waits.undrawn_s, undrawn_ms / 1000), 2)
            waits.silent_s = round(max(waits.silent_s, now - heard_at), 2)
            waits.blocked_s = round(max(waits.blocked_s, now - asked_at), 2)
            time.sleep(0.15)
        mouse.move(300, 130)
        mouse.up()
        return waits

    def _counts(self) -> tuple[int, float, int]:
        """Return draws, time and bytes received; count a lost connection and wait for the next."""
        if not self.page.evaluate("Boolean(desktopView.connection.session)"):
            self.reconnects += 1
            wait_shown(self.page)
        counts = "[desktopView.picture.draws, desktopView.connection.link.received]"
        draws, received = self.page.evaluate(counts)
        return draws, time.monotonic(), received

    def _heap_mb(self) -> float:
        self.page.evaluate("globalThis.gc?.()")
        used = int(self.page.evaluate("performance.memory.usedJSHeapSize"))
        return round(used / 1e6, 1)

    def _rest(self) -> Comparison:
        """Stop all activity; the final picture must be right."""
        self.inside.run("pkill ico; pkill xfce4-terminal; true")
        time.sleep(1)
        self.inside.start("xfce4-terminal --disable-server --geometry 80x20+200+200")
        time.sleep(2)
        return settled(self.page, self.inside)


def main() -> int:
    """Print the results; exit code 1 after a freeze, wrong tile, lost connection or error."""
    options = _options()
    try:
        settings = settings_from(os.environ, "WINUX_BENCH_", BENCH)
        machine.check_root("The soak")
        with machine.only_one(settings):
            soak = _run(settings, options.minutes)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(json.dumps({**soak.summary(), "rounds": [asdict(r) for r in soak.rounds]}, indent=2))
    return 0 if soak.is_good else 1


def _run(settings: Settings, minutes: float) -> Soak:
    stack = Stack(settings, Progress(STEPS, sys.stderr), PORTAL_SETTINGS)
    try:
        stack.check()
        stack.prepare_machine()
        portal = stack.start()
        stack.end_desktops()
        password = portal.make_person(PERSON)
        client = PageClient(settings.url)
        client.sign_in(PERSON, password)
        desktop = client.launch_desktop()
        inside = inside_of(settings.folder / "winux.db", settings.bridge, desktop.id)
        with viewer(settings.url) as person:
            return _soak(person, password, desktop.id, inside, minutes)
    finally:
        stack.stop()


def _soak(person: Viewer, password: str, desktop_id: str, inside: Inside, minutes: float) -> Soak:
    person.sign_in(PERSON, password)
    soak = Soak(person.look_at(desktop_id), inside)
    soak.run(minutes)
    return soak


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=22, help="for how long (22)")
    return parser.parse_args()


def _is_good(one: Round) -> bool:
    return not one.wrong_tiles and one.waits.undrawn_s < FREEZE_S


def _last(rounds: list[Round]) -> list[int]:
    return [round(rounds[-1].draws_per_s)]


def _line(one: Round) -> str:
    return (
        f"{one.minute:5.1f} min: {one.draws_per_s:5.1f} draws/s, gap {one.waits.undrawn_s:.2f} s "
        f"(silent {one.waits.silent_s:.2f}, blocked {one.waits.blocked_s:.2f}), "
        f"heap {one.heap_mb:.1f} MB, {one.received_mb:.1f} MB, worst tile {one.worst_db:.1f} dB"
        f"{', wrong: ' + str(one.wrong_tiles[:5]) if one.wrong_tiles else ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
