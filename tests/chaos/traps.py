"""Traps that kill the process that steps on them: at the n-th commit, at the n-th Ansible task."""

import os
import signal
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class CommitTrap:
    """`kill -9` of this process before or after its commit number `at` (counted from 0)."""

    at: int
    is_before: bool


def count_commits(engine: Engine, trap: CommitTrap | None) -> list[int]:
    """Set the trap; the list's one number counts commits. Only writes are ever committed."""
    count = [0]

    def before(_connection: Any) -> None:
        if trap and trap.is_before and count[0] == trap.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(_session: Any) -> None:
        if trap and not trap.is_before and count[0] == trap.at:
            os.kill(os.getpid(), signal.SIGKILL)
        count[0] += 1

    event.listen(engine, "commit", before)
    event.listen(Session, "after_commit", after)
    return count
