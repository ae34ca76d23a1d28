"""Places for checking passwords: each costs 64 MB and much of a processor for a moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from webapp.domain.errors import TooMany

#: So many passwords does one process check at the same time, and so many more wait.
AT_ONCE = 2
WAITING = 14
#: How long one of them waits.
PATIENCE = timedelta(seconds=5)


class HashingPlaces:
    """Of one process. Many sign-ins at once wait here, and do not exhaust memory."""

    def __init__(self) -> None:
        self._all = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._working = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Raises TooMany when too many wait, or it took too long."""
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
    return TooMany(
        "sign_ins_busy",
        "Very many people are signing in at this moment.",
        retry_after=PATIENCE,
        what_to_do="Try again in a few seconds.",
    )
