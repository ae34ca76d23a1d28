"""Traps that kill their process at the n-th commit or the n-th Ansible task."""

import os
import signal
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class CommitTrap:
    """Kills this process with `kill -9` before or after its commit number `at` (from 0)."""

    at: int
    is_before: bool


def set_commit_trap(engine: Engine, trap: CommitTrap) -> None:
    """Set the trap. All commits are writes; the ends of savepoints are not counted."""
    begun, done = [0], [0]

    def before(_connection: Any) -> None:
        if trap.is_before and begun[0] == trap.at:
            os.kill(os.getpid(), signal.SIGKILL)
        begun[0] += 1

    def after(_session: Any) -> None:
        if done[0] == begun[0]:  # the end of a savepoint
            return
        if not trap.is_before and done[0] == trap.at:
            os.kill(os.getpid(), signal.SIGKILL)
        done[0] += 1

    event.listen(engine, "commit", before)
    event.listen(Session, "after_commit", after)
