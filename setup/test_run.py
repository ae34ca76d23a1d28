"""`python -m setup.test_run`: all tests, those with real containers beside the others.

Tests with real containers wait for most of their time, so that both sets together take little
longer than the longer one. Their output is shown after that of the others.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from setup.settings import CHECKOUT

LOG = CHECKOUT / "var/logs/test-lab.log"
#: Two processes, each with a lab node of its own; see `TwoParts` in tests/conftest.py.
LAB = ("-n", "2", "--dist", "loadscope", "-m", "lab and not view")
OTHERS = ("--dist", "worksteal", "-m", "not lab and not view")
#: Seconds for the fixtures of a set that was interrupted.
END_S = 60


def main() -> int:
    print(f"Tests with real containers run beside the others; see {LOG}", flush=True)
    began = time.monotonic()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("wb") as log:
        lab = _start(LAB, log.fileno())
    others = _start(("-n", str(os.cpu_count() or 2), *OTHERS), None)
    try:
        codes = (others.wait(), lab.wait())
    except KeyboardInterrupt:  # both got it as well
        codes = (_end(others), _end(lab))
    print(f"After {(time.monotonic() - began) / 60:.1f} minutes; the tests with real containers:")
    _show(LOG)
    return next((code for code in codes if code), 0)


def _start(options: tuple[str, ...], output: int | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.Popen(
        command, cwd=CHECKOUT, stdout=output, stderr=output and subprocess.STDOUT
    )


def _end(tests: subprocess.Popen[bytes]) -> int:
    """Wait for the fixtures of an interrupted set; return its exit status."""
    try:
        return tests.wait(END_S)
    except subprocess.TimeoutExpired:
        tests.send_signal(signal.SIGKILL)
        return tests.wait()


def _show(log: Path) -> None:
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            print(line, end="")


if __name__ == "__main__":
    sys.exit(main())
