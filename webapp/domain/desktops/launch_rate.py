"""How often a person may launch: a token bucket that refills at a constant rate.

Nothing is stored: the bucket's level follows from the person's latest launch times.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany


@dataclass(frozen=True)
class LaunchRate:
    """Allows `burst` launches at once, and then `per_hour` launches an hour."""

    burst: int
    per_hour: int

    @property
    def pause(self) -> timedelta:
        """The time in which the bucket regains one launch."""
        return timedelta(hours=1) / self.per_hour

    @property
    def memory(self) -> timedelta:
        """The time after which a launch no longer counts."""
        return self.pause * self.burst


def decide_rate(launches: Iterable[datetime], rate: LaunchRate, now: datetime) -> None:
    """Raises TooMany while the bucket is empty, with the time until the next launch."""
    full_at = datetime.min.replace(tzinfo=now.tzinfo)
    for at in sorted(launches):
        full_at = max(full_at, at) + rate.pause
    wait = full_at - now - rate.pause * (rate.burst - 1)
    if wait <= timedelta(0):
        return
    raise TooMany("launch_rate", retry_after=wait, launches=rate.burst)
