"""Schedules of a pool: weekly hours and single dates, in the site's own time zone.

A schedule says how many desktops it wants and when people come; when the warming must begin
follows from how long a build takes here. Pure: values and a time in, values out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from webapp.domain.errors import BadInput

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: What a build is taken to last where none was measured.
USUAL_BUILD = timedelta(seconds=60)
#: The warming begins early enough for builds that take this much longer than usual…
SLOWER = 1.25
#: …and is done this long before people come.
SPARE = timedelta(minutes=2)

_HOUR = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True)
class Window:
    """One occurrence of a schedule, as aware UTC."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Schedule:
    """So many desktops, at these hours, on these weekdays or on one date."""

    desktops: int
    begins: time
    ends: time
    """At or before `begins`: on the next day."""
    weekdays: frozenset[int] = frozenset()
    """0 is Monday; empty when it is for one date."""
    on: date | None = None
    in_all: bool = False
    """So many in all, each person's launch takes one off; else so many ready at every moment."""

    def window(self, zone: ZoneInfo, now: datetime) -> Window | None:
        """The occurrence that runs at `now`, else the next one; None when all are over."""
        found = (self._on_day(day, zone) for day in self._days(now.astimezone(zone).date()))
        return next((window for window in found if window.ends_at > now), None)

    def _days(self, today: date) -> Iterable[date]:
        if self.on:
            return [self.on]
        days = (today + timedelta(days=ahead) for ahead in range(-1, 9))
        return [day for day in days if day.weekday() in self.weekdays]

    def _on_day(self, day: date, zone: ZoneInfo) -> Window:
        """An hour that the clocks skip counts as the one after; of one that comes twice the
        beginning is the first and the end the second."""
        last = day if self.ends > self.begins else day + timedelta(days=1)
        begins = datetime.combine(day, self.begins, zone)
        ends = datetime.combine(last, self.ends.replace(fold=1), zone)
        return Window(begins.astimezone(UTC), ends.astimezone(UTC))


@dataclass(frozen=True)
class Due:
    """What the schedules ask for now: how many desktops, and the ones that ask for it."""

    desktops: int = 0
    schedules: tuple[Schedule, ...] = ()


def warm_up(desktops: int, usual_build: timedelta | None, at_once: int) -> timedelta:
    """How long before people come the building of `desktops` must begin."""
    rounds = -(-desktops // max(at_once, 1))
    return rounds * SLOWER * (usual_build or USUAL_BUILD) + SPARE


def decide_due(
    schedules: Sequence[Schedule],
    zone: ZoneInfo,
    now: datetime,
    *,
    launches: Sequence[datetime],
    usual_build: timedelta | None,
    at_once: int,
) -> Due:
    """What the schedules want at `now`, from the warming on until their end.

    Of schedules that keep desktops ready the largest counts; those that are for so many in all are
    summed, less the launches since the first of them began to warm.
    """
    open_since: dict[Schedule, datetime] = {}
    for one in schedules:
        window = one.window(zone, now)
        if window is None:
            continue
        warms_at = window.begins_at - warm_up(one.desktops, usual_build, at_once)
        if warms_at <= now:
            open_since[one] = warms_at
    sets = [one for one in open_since if one.in_all]
    first = min((open_since[one] for one in sets), default=now)
    taken = sum(at >= first for at in launches)
    left = max(0, sum(one.desktops for one in sets) - taken)
    level = max((one.desktops for one in open_since if not one.in_all), default=0)
    if not left and not level:
        return Due()
    if left >= level:
        return Due(left, tuple(sets))
    return Due(level, tuple(one for one in open_since if not one.in_all and one.desktops == level))


def parse_weekdays(text: str) -> frozenset[int]:
    """`mon`, `mon,wed`, `mon-fri`, `daily`. Raises BadInput for anything else."""
    days: set[int] = set()
    for part in text.lower().replace(",", " ").split():
        first, dash, last = part.partition("-")
        last = last if dash else first
        if part == "daily":
            days |= set(range(7))
        elif first in WEEKDAYS and last in WEEKDAYS:
            start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
            days |= {number % 7 for number in range(start, end + (7 if end < start else 0) + 1)}
        else:
            raise _no_weekday(part)
    if not days:
        raise _no_weekday(text)
    return frozenset(days)


def weekdays_text(weekdays: Iterable[int]) -> str:
    """As `parse_weekdays` takes it: `mon-fri`, `mon,wed`, `daily`."""
    days = sorted(weekdays)
    if len(days) == 7:
        return "daily"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{WEEKDAYS[days[0]]}-{WEEKDAYS[days[-1]]}"
    return ",".join(WEEKDAYS[day] for day in days)


def parse_hour(field: str, text: str) -> time:
    """`8:30`, `10:00`. Raises BadInput, naming `field`, for anything else."""
    found = _HOUR.fullmatch(text.strip())
    if found is None:
        raise BadInput(
            field,
            f"{text[:20]!r} is no time of day.",
            what_to_do="Write hours and minutes, such as 10:00.",
        )
    return time(int(found[1]), int(found[2]))


def parse_day(text: str) -> date:
    """`2026-03-02`. Raises BadInput for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(
            "on",
            f"{text[:20]!r} is no date.",
            what_to_do="Write year, month and day, such as 2026-03-02.",
        ) from error


def _no_weekday(text: str) -> BadInput:
    return BadInput(
        "weekdays",
        f"{text[:20]!r} is no day of the week.",
        what_to_do="Name some of mon, tue, wed, thu, fri, sat and sun, such as mon-fri.",
    )
