"""The work of a worker process: steps that its slots take in turns, and timed jobs."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from webapp.domain.errors import Conflict, OutsideFailed

log = logging.getLogger(__name__)

#: One small step; returns whether there was anything to do.
Step = Callable[[], bool]


class RoundRobin:
    """Runs steps in turns: after one did something, the others come first, so that none starves."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = deque(steps)

    def do_one(self) -> bool:
        """Run the first step that has something to do; returns whether there was one."""
        for _ in range(len(self._steps)):
            step = self._steps[0]
            self._steps.rotate(-1)
            if step():
                return True
        return False


@dataclass
class Periodic:
    """A job that runs at an interval, and at once the first time."""

    every: timedelta
    do: Callable[[], object]
    due_at: float = field(default_factory=time.monotonic)

    def do_if_due(self) -> None:
        if time.monotonic() >= self.due_at:
            self.due_at = time.monotonic() + self.every.total_seconds()
            self.do()


class Throttled:
    """A step that pauses after it found nothing to do; several threads may share one."""

    def __init__(self, every: timedelta, step: Step) -> None:
        self._every = every.total_seconds()
        self._step = step
        self._again_at = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._again_at:
            return False
        if self._step():
            return True
        self._again_at = time.monotonic() + self._every
        return False


def log_errors(job: Callable[[], object]) -> bool:
    """Run `job`; if it fails, log that and return False, so that the worker process continues."""
    try:
        job()
    except (Conflict, OutsideFailed) as error:
        log.warning("%s", error)
    # A defect in one job must not stop the others; the traceback is logged for the operator.
    except Exception:
        log.exception("Job failed")
    else:
        return True
    return False
