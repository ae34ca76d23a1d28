"""How many more desktops fit, and what a launch is told when none does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany

#: A desktop that runs for less than this has not shown yet what it takes.
SETTLED = timedelta(minutes=1)
#: A measured size that differs by less than this part from the last one is not worth a write.
NOTICED = 0.05
#: When no end of a desktop is known, a launch that was refused may come back after this.
COME_BACK = timedelta(minutes=5)


def measure_mb(samples: Sequence[int]) -> int | None:
    """What a desktop takes, from what running ones take (MiB): three in four take less."""
    if not samples:
        return None
    ordered = sorted(samples)
    return max(1, ordered[(3 * len(ordered)) // 4 if len(ordered) > 1 else 0])


def is_news(measured: int, known: int | None) -> bool:
    """Whether a measured size is worth writing down."""
    return known is None or abs(measured - known) > NOTICED * known


@dataclass(frozen=True)
class Room:
    """Whether another desktop of a template fits, and when the next place is free."""

    fits: int | None
    """None: nobody can see the nodes' memory, so nothing is limited by it."""
    ahead: int
    """Desktops of people that wait for a node already."""
    next_free_at: datetime | None
    """When the next running desktop's time is up."""


def decide_room(room: Room, refuses: bool, now: datetime) -> None:
    """Refuse a launch beyond the nodes' memory, if the site refuses those instead of queueing."""
    if not refuses or room.fits is None or room.fits > room.ahead:
        return
    wait = max((room.next_free_at or now + COME_BACK) - now, timedelta(minutes=1))
    minutes = -(-int(wait.total_seconds()) // 60)
    raise TooMany(
        "no_room",
        "There is no room for another desktop right now.",
        retry_after=wait,
        what_to_do=f"Try again in {minutes} min, when the next one ends."
        if room.next_free_at
        else "Try again in a few minutes.",
    )
