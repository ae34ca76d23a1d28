"""The circuit breaker: a template whose builds fail rests, and is then tried with one launch.

Nothing of it is stored: it follows from when the template's builds failed and succeeded last, and
for whom. One person's failures make it rest for that person alone; for everybody it rests when it
failed for several people, or for the pools, whose builds nobody's choice can break.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany

#: So many failures in a row within WINDOW, for different people, stop a template.
FAILURES = 3
WINDOW = timedelta(minutes=10)
#: How long it rests then; each trial that fails doubles it, up to the longest.
REST = timedelta(minutes=5)
LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True)
class Failure:
    """A build that failed."""

    at: datetime
    person_id: int | None
    """Whose; None: a pool's."""


@dataclass(frozen=True)
class Record:
    """What is known of one template's latest builds."""

    failures: Sequence[Failure]
    """Builds that failed for the template's own sake, in any order; the latest suffice."""
    worked_at: datetime | None
    """When one succeeded last, or when a version was published last."""
    trial_at: datetime | None
    """When the oldest build that is under way or queued now was asked for."""


@dataclass(frozen=True)
class Resting:
    """A template that takes no launches."""

    since: datetime
    """Its latest failure."""
    until: datetime
    is_on_trial: bool
    """Its rest is over and one launch is trying it."""


def find_rest(record: Record, now: datetime) -> Resting | None:
    """Whether the template rests for everybody; None when it can be launched (for a trial, too)."""
    bad = _counted(_since_it_worked(record))
    until = _find_end(bad)
    if until is None:
        return None
    is_on_trial = record.trial_at is not None
    if now >= until and not is_on_trial:
        return None
    return Resting(since=bad[-1], until=until, is_on_trial=now >= until)


def find_own_rest(record: Record, now: datetime, person_id: int) -> Resting | None:
    """Whether it rests for this person alone, whose launches of it failed."""
    bad = [one.at for one in _since_it_worked(record) if one.person_id == person_id]
    until = _find_end(bad)
    if until is None or now >= until:
        return None
    return Resting(since=bad[-1], until=until, is_on_trial=False)


def decide_breaker(record: Record, title: str, now: datetime, person_id: int) -> None:
    """Refuse a person's launch of a resting template, and say when it is tried again."""
    rest = find_rest(record, now)
    if rest and rest.is_on_trial:
        raise TooMany(
            "resting",
            f"{title} failed several times and is being tried again right now.",
            retry_after=timedelta(minutes=1),
            what_to_do="Try again in a minute, or choose another desktop.",
        )
    if rest:
        raise _resting(f"{title} failed several times in a row and rests.", rest.until - now)
    if own := find_own_rest(record, now, person_id):
        raise _resting(f"{title} failed for you several times in a row.", own.until - now)


def _resting(message: str, wait: timedelta) -> TooMany:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    return TooMany(
        "resting",
        message,
        retry_after=wait,
        what_to_do=f"It can be tried again in {minutes} min; until then choose another desktop.",
    )


def _since_it_worked(record: Record) -> list[Failure]:
    failures = [one for one in record.failures if _is_after(one.at, record.worked_at)]
    return sorted(failures, key=lambda one: one.at)


def _counted(bad: Sequence[Failure]) -> list[datetime]:
    """When it failed, as it counts for everybody: of each person once in WINDOW, of pools each.

    Once it rests, each further failure is a trial that was allowed, and counts.
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
    """Until when it rests after these failures; None: they are too few."""
    return bad[-1] + _rest(len(bad)) if _has_tripped(bad) else None


def _has_tripped(bad: Sequence[datetime]) -> bool:
    """Whether any FAILURES of them in a row lie within WINDOW; `bad` is sorted."""
    pairs = zip(bad, bad[FAILURES - 1 :], strict=False)
    return any(last - first <= WINDOW for first, last in pairs)


def _rest(failures: int) -> timedelta:
    doubled: timedelta = REST * 2 ** min(failures - FAILURES, 10)
    return min(doubled, LONGEST_REST)


def _is_after(at: datetime, worked_at: datetime | None) -> bool:
    return worked_at is None or at > worked_at
