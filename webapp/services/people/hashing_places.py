"""Limits simultaneous password hashing: each hash briefly needs 64 MB and much CPU time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from webapp.domain.errors import TooMany

#: Passwords that one process hashes at the same time, and further ones that may wait.
AT_ONCE = 2
WAITING = 14
#: Maximum waiting time.
PATIENCE = timedelta(seconds=5)


class HashingPlaces:
    """The hashing slots of one process: many simultaneous sign-ins cannot exhaust its memory."""

    def __init__(self) -> None:
        self._all = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._working = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a slot. Raises TooMany if too many wait, or after the maximum waiting time."""
        if not self._all.acquire(blocking=False):
            raise _busy()
        try:
            if not self._working.acquire(timeout=PATIENCE.total_seconds()):
                raise _busy()
            try:
                yield
            finally:
                self._working.release()
        finally:
            self._all.release()


def _busy() -> TooMany:
    return TooMany("sign_ins_busy", retry_after=PATIENCE)
