"""How many more desktops fit, and the refusal of a launch when none does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany

#: A desktop that has run for less than this does not show its typical memory use yet.
SETTLED = timedelta(minutes=1)
#: A measured size is stored only if it differs from the last one by more than this fraction.
NOTICED = 0.05
#: The retry time after a refused launch when no desktop's end is known.
COME_BACK = timedelta(minutes=5)


def measure_mb(samples: Sequence[int]) -> int | None:
    """Returns a desktop's memory use in MiB: the 75th percentile of the running ones."""
    if not samples:
        return None
    ordered = sorted(samples)
    return max(1, ordered[(3 * len(ordered)) // 4 if len(ordered) > 1 else 0])


def is_news(measured: int, known: int | None) -> bool:
    """Whether a measured size differs enough from the stored one to be stored."""
    return known is None or abs(measured - known) > NOTICED * known


@dataclass(frozen=True)
class Room:
    """Whether another desktop of a template fits, and when the next place is free."""

    fits: int | None
    """None if the nodes' memory cannot be read; then it limits nothing."""
    ahead: int
    """People's desktops that already wait for a node."""
    next_free_at: datetime | None
    """The earliest deadline of a running desktop."""


def decide_room(room: Room, refuses: bool, now: datetime) -> None:
    """Raises TooMany if no memory is left and the site refuses launches instead of queueing."""
    if not refuses or room.fits is None or room.fits > room.ahead:
        return
    wait = max((room.next_free_at or now + COME_BACK) - now, timedelta(minutes=1))
    raise TooMany("no_room.until_end" if room.next_free_at else "no_room.unknown", retry_after=wait)
