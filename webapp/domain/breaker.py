"""The circuit breaker: a template whose builds fail rests, and is then tried with one launch.

Nothing of it is stored: it follows from when the template's builds failed and succeeded last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany

#: So many failures in a row within WINDOW stop a template.
FAILURES = 3
WINDOW = timedelta(minutes=10)
#: How long it rests then; each trial that fails doubles it, up to the longest.
REST = timedelta(minutes=5)
LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True)
class Record:
    """What is known of one template's latest builds."""

    failures: Sequence[datetime]
    """When builds failed for the template's own sake, in any order; the latest suffice."""
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
    """Whether the template rests; None when it can be launched (for a trial, too)."""
    bad = sorted(at for at in record.failures if _is_after(at, record.worked_at))
    if not _has_tripped(bad):
        return None
    until = bad[-1] + _rest(len(bad))
    is_on_trial = record.trial_at is not None
    if now >= until and not is_on_trial:
        return None
    return Resting(since=bad[-1], until=until, is_on_trial=now >= until)


def decide_breaker(record: Record, title: str, now: datetime) -> None:
    """Refuse a launch of a resting template, and say when it is tried again."""
    rest = find_rest(record, now)
    if rest is None:
        return
    if rest.is_on_trial:
        raise TooMany(
            "resting",
            f"{title} failed several times and is being tried again right now.",
            retry_after=timedelta(minutes=1),
            what_to_do="Try again in a minute, or choose another desktop.",
        )
    wait = rest.until - now
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    raise TooMany(
        "resting",
        f"{title} failed several times in a row and rests.",
        retry_after=wait,
        what_to_do=f"It can be tried again in {minutes} min; until then choose another desktop.",
    )


def _has_tripped(bad: Sequence[datetime]) -> bool:
    """Whether any FAILURES of them in a row lie within WINDOW; `bad` is sorted."""
    pairs = zip(bad, bad[FAILURES - 1 :], strict=False)
    return any(last - first <= WINDOW for first, last in pairs)


def _rest(failures: int) -> timedelta:
    doubled: timedelta = REST * 2 ** min(failures - FAILURES, 10)
    return min(doubled, LONGEST_REST)


def _is_after(at: datetime, worked_at: datetime | None) -> bool:
    return worked_at is None or at > worked_at
