"""Runs a program as one step: its output goes to a log, its failure becomes a clear message."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from setup.failure import SetupFailed
from setup.ownership import PRIVATE
from setup.settings import CHECKOUT


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    what_to_do: str,
    environment: Mapping[str, str] | None = None,
    umask: int = PRIVATE,
) -> None:
    """Run `command` in the checkout, append output to `log`; SetupFailed shows the log's end.

    The program has its own process group: Ctrl-C reaches only set-up, which then ends the whole
    group, so that no process continues in the background. `umask` applies only to the program:
    the log is never readable by others.
    """
    with open_log(log) as output:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=umask,
        )
        try:
            code = process.wait()
        except BaseException:
            end_group(process)
            raise
    if code:
        name = " ".join(str(part) for part in command[:3])
        raise SetupFailed(f"`{name} …` failed (exit {code}):\n{tail(log)}", what_to_do)


def open_log(log: Path, *, anew: bool = False) -> BinaryIO:
    """Open a log to append to (or to overwrite); only its owner can read it, even an old one."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if anew else os.O_APPEND)
    output = os.fdopen(os.open(log, flags, 0o600), "wb")
    if os.fstat(output.fileno()).st_uid == os.geteuid():
        os.fchmod(output.fileno(), 0o600)
    return output


def read_output(command: Sequence[str | Path], timeout_s: float = 60) -> str:
    """Return the output of a short command; empty if it is missing or fails."""
    try:
        done = subprocess.run(
            command, cwd=CHECKOUT, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def end_group(process: subprocess.Popen[bytes], patience_s: float = 10) -> None:
    """End a program and its children: first with a request, then with a kill."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        is_there = _signal_group(process, number)
        give_up = time.monotonic() + patience_s
        while is_there and time.monotonic() < give_up:
            time.sleep(0.05)
            is_there = _signal_group(process, 0)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> bool:
    """Signal the group; return whether any process received it. Reaps a dead leader."""
    process.poll()
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented, and the path of the full log."""
    if not log.exists():
        return f"  (no output; {log} was not written)"
    said = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([*(f"  {line}" for line in said), f"  (all of it: {log})"])
