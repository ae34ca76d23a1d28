"""Counters and histograms from the history: the tallies plus all rows newer than their mark.

A worker aggregates the history up to a mark some minutes ago, so that a scrape reads only the rows
of these minutes. Both are read in one snapshot, so every process reports the same numbers.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from webapp.domain.statistics.metrics import Distribution, Family, Kind, Metric, Sample
from webapp.models import AuditEntry, Tally, TallyMark
from webapp.ports import Clock, Database
from webapp.services.statistics.sources import SOURCES, Source

#: Minimum age of rows to aggregate: until then a late transaction may still add rows.
SETTLED = timedelta(minutes=10)
#: Length of history aggregated in one transaction: other writers wait meanwhile.
STRIDE = timedelta(days=1)
MARK = 1


@dataclass
class Counted:
    """The values of one tally row."""

    count: int = 0
    total: float = 0.0


#: Values by metric, labels and bucket.
Lines = dict[tuple[str, tuple[str, ...], int], Counted]


class Tallies:
    """Aggregates the history, and returns the totals."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def settle(self) -> None:
        """Aggregate what is old enough. Any number of workers may run it at the same time."""
        while self._settle_stride():
            pass

    def families(self, session: Session) -> list[Family]:
        """Returns all counters and histograms. `session` must read one snapshot."""
        lines = _settled(session)
        since = self.mark(session)
        _add_up(lines, session, lambda source: source.counted(since))
        metrics = dict.fromkeys(source.metric for source in SOURCES)
        return [_family(metric, lines) for metric in metrics]

    def mark(self, session: Session) -> datetime:
        """The time up to which the history is aggregated."""
        return session.get_one(TallyMark, MARK).until

    def _settle_stride(self) -> bool:
        """Aggregate one stride. Returns whether there is more to do."""
        goal = self._clock.now() - SETTLED
        with self._db.begin() as session:
            mark = session.get_one(TallyMark, MARK, with_for_update=True)
            first = session.scalar(select(func.min(AuditEntry.at))) or goal
            until = min(max(mark.until, first) + STRIDE, goal)
            if until <= mark.until:  # another worker was faster, or the clock was set back
                return False
            lines: Lines = {}
            _add_up(lines, session, lambda source: source.counted(mark.until, until))
            _write(session, lines)
            mark.until = until
        return until < goal


def _add_up(
    lines: Lines, session: Session, query: Callable[[Source], Select[*tuple[Any, ...]]]
) -> None:
    for source in SOURCES:
        for *labels, bucket, count, total in session.execute(query(source)):
            line = lines.setdefault((source.metric.name, tuple(labels), bucket), Counted())
            line.count += count
            line.total += float(total)


def _settled(session: Session) -> Lines:
    return {
        (row.metric, tuple(json.loads(row.labels)), row.bucket): Counted(row.count, row.total)
        for row in session.scalars(select(Tally))
    }


def _write(session: Session, lines: Lines) -> None:
    for (metric, labels, bucket), line in lines.items():
        key = (metric, json.dumps(labels), bucket)
        row = session.get(Tally, key)
        if row is None:
            row = Tally(metric=metric, labels=key[1], bucket=bucket, count=0, total=0)
            session.add(row)
        row.count += line.count
        row.total += line.total


def _family(metric: Metric, lines: Lines) -> Family:
    own = sorted((key[1], key[2]) for key in lines if key[0] == metric.name)
    if metric.kind is not Kind.HISTOGRAM:
        return Family(
            metric, [Sample(labels, lines[metric.name, labels, n].total) for labels, n in own]
        )
    found: dict[tuple[str, ...], Distribution] = {}
    for labels, bucket in own:
        line = lines[metric.name, labels, bucket]
        one = found.setdefault(labels, Distribution(labels, [0] * (len(metric.buckets) + 1)))
        one.counts[bucket] += line.count
        one.total += line.total
    return Family(metric, distributions=list(found.values()))
