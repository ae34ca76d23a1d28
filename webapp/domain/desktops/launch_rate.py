"""How often a person may launch: a bucket of launches that fills again at an even rate.

Nothing of it is stored: it follows from when the person's latest desktops were launched.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany


@dataclass(frozen=True)
class LaunchRate:
    """`burst` launches at once, and then `per_hour` of them in each hour."""

    burst: int
    per_hour: int

    @property
    def pause(self) -> timedelta:
        """In how long one launch comes back."""
        return timedelta(hours=1) / self.per_hour

    @property
    def memory(self) -> timedelta:
        """Launches that are older have all come back."""
        return self.pause * self.burst


def decide_rate(launches: Iterable[datetime], rate: LaunchRate, now: datetime) -> None:
    """Refuse one more launch while the bucket is empty; says when there is one again."""
    full_at = datetime.min.replace(tzinfo=now.tzinfo)
    for at in sorted(launches):
        full_at = max(full_at, at) + rate.pause
    wait = full_at - now - rate.pause * (rate.burst - 1)
    if wait <= timedelta(0):
        return
    seconds = -(-int(wait.total_seconds()) // 1) + 1
    when = f"{-(-seconds // 60)} min" if seconds >= 60 else f"{seconds} s"
    raise TooMany(
        "launch_rate",
        f"You launched {rate.burst} desktops in a short time.",
        retry_after=wait,
        what_to_do=f"You can launch the next one in {when}.",
    )
