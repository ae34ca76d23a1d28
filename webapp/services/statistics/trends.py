"""How busy the site was, hour by hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from webapp.models import Desktop
from webapp.ports import Clock, Database
from webapp.services.sql_times import hour_of

HOURS = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class BusyHour:
    """Counts of the hour that begins at `at`."""

    at: datetime
    warm: int
    """Launches that took a desktop from the pool."""
    cold: int
    """Launches that were built."""
    failed: int

    @property
    def launches(self) -> int:
        return self.warm + self.cold


class Trends:
    """Counts for charts."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def hours(self) -> Sequence[BusyHour]:
        """The last 24 hours, this one included, oldest first."""
        now = self._clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        first = now - (HOURS - 1) * HOUR
        warmed = Desktop.warmed_at.is_not(None)
        with self._db.read() as session:
            warm = _by_hour(session, Desktop.launched_at, first, warmed)
            cold = _by_hour(session, Desktop.launched_at, first, ~warmed)
            failed = _by_hour(session, Desktop.failed_at, first)
        return [
            BusyHour(at, *(found.get(f"{at:%Y-%m-%dT%H}", 0) for found in (warm, cold, failed)))
            for at in (first + number * HOUR for number in range(HOURS))
        ]


def _by_hour(
    session: Session, column: Any, first: datetime, *where: ColumnElement[bool]
) -> dict[str, int]:
    rows = session.execute(
        select(hour_of(column).label("hour"), func.count())
        .where(column >= first, *where)
        .group_by("hour")
    )
    return {row.hour: row[1] for row in rows}
