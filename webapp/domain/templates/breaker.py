"""The circuit breaker: a template whose builds fail rests, and is then tried with one launch.

Nothing is stored: the state follows from the latest failures and successes of the template's
builds, and the people they were for. One person's failures make the template rest for that person
only. It rests for all people after failures for several people, or for the pools, whose builds do
not depend on any person's choices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany

#: The number of failures in a row within WINDOW, for different people, that stop a template.
FAILURES = 3
WINDOW = timedelta(minutes=10)
#: How long it rests first; each failed trial doubles the time, up to the longest.
COOL_DOWN = timedelta(minutes=5)
LONGEST_COOL_DOWN = timedelta(hours=1)


@dataclass(frozen=True)
class Failure:
    """A failed build."""

    at: datetime
    person_id: int | None
    """The person it was for; None for a pool."""


@dataclass(frozen=True)
class Record:
    """The facts about one template's latest builds."""

    failures: Sequence[Failure]
    """Builds that failed because of the template, in any order; only the latest are needed."""
    worked_at: datetime | None
    """When a build last succeeded, or a version was last published."""
    trial_at: datetime | None
    """When the oldest running or queued build was requested."""


@dataclass(frozen=True)
class CoolingDown:
    """The state of a template that takes no launches."""

    since: datetime
    """Its latest failure."""
    until: datetime
    is_on_trial: bool
    """The rest is over and one launch tries the template."""


def find_cool_down(record: Record, now: datetime) -> CoolingDown | None:
    """Returns the rest for all people; None if the template can be launched, or tried again."""
    bad = _counted(_since_it_worked(record))
    until = _find_end(bad)
    if until is None:
        return None
    is_on_trial = record.trial_at is not None
    if now >= until and not is_on_trial:
        return None
    return CoolingDown(since=bad[-1], until=until, is_on_trial=now >= until)


def find_own_cool_down(record: Record, now: datetime, person_id: int) -> CoolingDown | None:
    """Returns the rest for this person only, after failures of their own launches, or None."""
    bad = [one.at for one in _since_it_worked(record) if one.person_id == person_id]
    until = _find_end(bad)
    if until is None or now >= until:
        return None
    return CoolingDown(since=bad[-1], until=until, is_on_trial=False)


def decide_breaker(record: Record, title: str, now: datetime, person_id: int) -> None:
    """Refuses a person's launch of a resting template, with the time of the next trial."""
    rest = find_cool_down(record, now)
    if rest and rest.is_on_trial:
        raise TooMany("resting.trial", retry_after=timedelta(minutes=1), template=title)
    if rest:
        raise TooMany("resting.all", retry_after=rest.until - now, template=title)
    if own := find_own_cool_down(record, now, person_id):
        raise TooMany("resting.person", retry_after=own.until - now, template=title)


def _since_it_worked(record: Record) -> list[Failure]:
    failures = [one for one in record.failures if _is_after(one.at, record.worked_at)]
    return sorted(failures, key=lambda one: one.at)


def _counted(bad: Sequence[Failure]) -> list[datetime]:
    """Returns the failures that count for all people: one per person in WINDOW, each of a pool.

    Once the template rests, each further failure is one of an allowed trial, and counts.
    """
    counted: list[Failure] = []
    for one in bad:
        has_tripped = _has_tripped([each.at for each in counted])
        if has_tripped or not any(_is_repeat(one, each) for each in counted):
            counted.append(one)
    return [one.at for one in counted]


def _is_repeat(one: Failure, earlier: Failure) -> bool:
    is_same = one.person_id is not None and one.person_id == earlier.person_id
    return is_same and one.at - earlier.at <= WINDOW


def _find_end(bad: Sequence[datetime]) -> datetime | None:
    """Returns until when the template rests after these failures; None if they are too few."""
    return bad[-1] + _cool_down(len(bad)) if _has_tripped(bad) else None


def _has_tripped(bad: Sequence[datetime]) -> bool:
    """Whether FAILURES consecutive ones lie within WINDOW; `bad` is sorted."""
    pairs = zip(bad, bad[FAILURES - 1 :], strict=False)
    return any(last - first <= WINDOW for first, last in pairs)


def _cool_down(failures: int) -> timedelta:
    doubled: timedelta = COOL_DOWN * 2 ** min(failures - FAILURES, 10)
    return min(doubled, LONGEST_COOL_DOWN)


def _is_after(at: datetime, worked_at: datetime | None) -> bool:
    return worked_at is None or at > worked_at
