"""The long-running processes of a stack: started, watched, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from setup.commands import end_group, open_log, tail
from setup.failure import SetupFailed
from setup.ownership import PRIVATE
from setup.settings import CHECKOUT

#: Ends the processes that set-up started, even after `kill -9` of set-up.
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")


class Child:
    """One process with its own log and process group, which ends when set-up ends."""

    def __init__(
        self, name: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        with open_log(log, anew=True) as output:
            self.process = subprocess.Popen(
                [*DIE_WITH_PARENT, *command],
                cwd=CHECKOUT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=PRIVATE,
            )

    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], timeout_s: float, what_to_do: str) -> None:
        """Return when `is_ready`; SetupFailed with the log's end if it ends or times out."""
        give_up = time.monotonic() + timeout_s
        while not is_ready():
            if not self.is_running():
                raise SetupFailed(f"The {self.name} ended at once:\n{tail(self.log)}", what_to_do)
            if time.monotonic() > give_up:
                raise SetupFailed(
                    f"The {self.name} was not ready after {timeout_s:.0f} s:\n{tail(self.log)}",
                    what_to_do,
                )
            time.sleep(0.1)

    def stop(self, patience_s: float = 20) -> None:
        """Ask the process itself to end, then kill the rest of its group."""
        if self.is_running():
            os.kill(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)
        end_group(self.process, patience_s=2)
