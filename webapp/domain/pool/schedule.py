"""Schedules of a pool: weekly hours and single dates, in the site's own time zone.

A schedule states how many desktops it needs and when people come; when the building must begin
follows from the build time measured here. Pure: values and a time in, values out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from webapp.domain.errors import BadInput

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: The assumed build time if none was measured.
USUAL_BUILD = timedelta(seconds=60)
#: The building begins early enough for builds that take this many times the usual time…
SLOWER = 1.25
#: …and ends this long before people come.
SPARE = timedelta(minutes=2)

_HOUR = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True)
class Window:
    """One occurrence of a schedule; its times are aware and in UTC."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Schedule:
    """A number of desktops at these hours, on these weekdays or on one date."""

    desktops: int
    begins: time
    ends: time
    """The next day if at or before `begins`."""
    weekdays: frozenset[int] = frozenset()
    """0 is Monday; empty for a schedule on one date."""
    on: date | None = None
    in_all: bool = False
    """True: a total, and each launch takes one off; False: this number always ready."""

    def window(self, zone: ZoneInfo, now: datetime) -> Window | None:
        """Returns the occurrence that runs at `now`, else the next; None if all are over."""
        found = (self._on_day(day, zone) for day in self._days(now.astimezone(zone).date()))
        return next((window for window in found if window.ends_at > now), None)

    def _days(self, today: date) -> Iterable[date]:
        if self.on:
            return [self.on]
        days = (today + timedelta(days=ahead) for ahead in range(-1, 9))
        return [day for day in days if day.weekday() in self.weekdays]

    def _on_day(self, day: date, zone: ZoneInfo) -> Window:
        """Returns the occurrence that begins on `day`.

        A time that is skipped when the clocks go forward counts as one hour later. When they go
        back, an ambiguous beginning is the first of the two, an ambiguous end the second.
        """
        last = day if self.ends > self.begins else day + timedelta(days=1)
        begins = datetime.combine(day, self.begins, zone)
        ends = datetime.combine(last, self.ends.replace(fold=1), zone)
        return Window(begins.astimezone(UTC), ends.astimezone(UTC))


@dataclass(frozen=True)
class Due:
    """The number of desktops that the schedules need now, and the schedules that cause it."""

    desktops: int = 0
    schedules: tuple[Schedule, ...] = ()


def warm_up(desktops: int, usual_build: timedelta | None, at_once: int) -> timedelta:
    """Returns how long before people come the building of `desktops` must begin."""
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
    """Returns what the schedules need at `now`, from the start of the building until their end.

    Of the schedules that keep desktops ready, the largest counts. Those with a total are summed,
    less the launches since the first of them began to build.
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
    """Parses `mon`, `mon,wed`, `mon-fri` or `daily`. Raises BadInput for anything else."""
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
    """Returns the form that `parse_weekdays` reads: `mon-fri`, `mon,wed`, `daily`."""
    days = sorted(weekdays)
    if len(days) == 7:
        return "daily"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{WEEKDAYS[days[0]]}-{WEEKDAYS[days[-1]]}"
    return ",".join(WEEKDAYS[day] for day in days)


def parse_hour(field: str, text: str) -> time:
    """Parses `8:30` or `10:00`. Raises BadInput, naming `field`, for anything else."""
    found = _HOUR.fullmatch(text.strip())
    if found is None:
        raise BadInput(field, "time_of_day", text=text[:20])
    return time(int(found[1]), int(found[2]))


def parse_day(text: str) -> date:
    """Parses `2026-03-02`. Raises BadInput for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput("on", "date", text=text[:20]) from error


def _no_weekday(text: str) -> BadInput:
    return BadInput("weekdays", "weekday", text=text[:20])
