"""Progress at the terminal: the number of the step, its time so far and its usual duration."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

#: Seconds between updates: a terminal's line is rewritten, a log gets a new line.
TERMINAL_BEAT, LOG_BEAT = 1.0, 20.0


class Progress:
    """Prints the steps of one run. `total` is the number of steps that will be announced."""

    def __init__(self, total: int, out: TextIO = sys.stdout) -> None:
        self.total = total
        self.out = out
        self.done = 0
        self.started = time.monotonic()

    @contextmanager
    def step(self, what: str, usually_s: int, *logs: Path) -> Iterator[None]:
        """Announce `what`; while the body runs show elapsed seconds and the logs' last line."""
        self.done += 1
        head = f"[{self.done}/{self.total}] {what}"
        began = time.monotonic()
        stop = threading.Event()
        beat = threading.Thread(target=self._beat, args=(head, usually_s, logs, stop), daemon=True)
        self._say(f"{head} … (usually {duration(usually_s)})", lasting=False)
        beat.start()
        outcome = ": stopped after"
        try:
            yield
            outcome = ":"
        finally:
            stop.set()
            beat.join()
            self._say(f"{head}{outcome} {duration(time.monotonic() - began)}")

    def skip(self, what: str) -> None:
        """Report a step that an earlier run has done."""
        self.done += 1
        self._say(f"[{self.done}/{self.total}] {what}: there already")

    def _beat(
        self, head: str, usually_s: int, logs: tuple[Path, ...], stop: threading.Event
    ) -> None:
        began = time.monotonic()
        while not stop.wait(TERMINAL_BEAT if self.out.isatty() else LOG_BEAT):
            elapsed = duration(time.monotonic() - began)
            said = f"{head}: {elapsed} of usually {duration(usually_s)}{_last_line(logs)}"
            self._say(said, lasting=False)

    def _say(self, text: str, *, lasting: bool = True) -> None:
        """Print a line; on a terminal the next line overwrites a temporary one."""
        if not self.out.isatty():
            print(text, file=self.out, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        shown = text if lasting else text[:width]
        print(f"\r\x1b[K{shown}", end="\n" if lasting else "", file=self.out, flush=True)


def duration(seconds: float) -> str:
    """Return a duration such as `0.4 s`, `12 s` or `3 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _last_line(logs: tuple[Path, ...]) -> str:
    """Return the last line of the most recently written log, as a sign of progress."""
    written = [log for log in logs if log.exists()]
    if not written:
        return ""
    log = max(written, key=lambda one: one.stat().st_mtime)
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").split("\n")
    said = [line.strip(" *\r") for line in lines if line.strip(" *\r")]
    return f" · {said[-1][:90]}" if said else ""
