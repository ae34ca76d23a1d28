"""What metrics count in the history: the rows, the time from which they count, and the labels.

A row counts from the time in its column `at`, which is written once and never changed, so a
counter never decreases. Each of these columns has an index.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from webapp.domain.states import EndReason, State
from webapp.domain.statistics import metrics
from webapp.domain.statistics.metrics import Metric
from webapp.models import AuditEntry, Connection, Desktop, DesktopStep, FindingRow, Template
from webapp.services.sql_times import seconds_between


@dataclass(frozen=True)
class Source:
    """Rows that count towards a metric."""

    metric: Metric
    rows: Any
    """The table or join to select from."""
    at: Any
    """The column with the time from which a row counts."""
    labels: tuple[ColumnElement[str], ...] = ()
    """In the order of the metric's labels."""
    value: ColumnElement[Any] | None = None
    """The value that a row adds, such as seconds for a histogram; None: 1. Rows where it is NULL do
    not count."""
    where: tuple[ColumnElement[bool], ...] = ()
    counts_open: bool = False
    """Whether rows without `at` count as well, such as open connections."""

    def counted(self, since: datetime, until: datetime | None = None) -> Select[*tuple[Any, ...]]:
        """Selects labels, `bucket`, `count` and `total` of the rows after `since`, up to `until`.

        `bucket` is 0 for a counter, otherwise the index of the first bound that is not exceeded.
        """
        names = [f"label_{number}" for number in range(len(self.labels))]
        labels = [column.label(name) for column, name in zip(self.labels, names, strict=True)]
        value = literal(1.0) if self.value is None else self.value
        return (
            select(
                *labels,
                self._bucket().label("bucket"),
                func.count().label("count"),
                func.sum(value).label("total"),
            )
            .select_from(self.rows)
            .where(*self.where, value.is_not(None), self._between(since, until))
            .group_by(*names, "bucket")
        )

    def _between(self, since: datetime, until: datetime | None) -> ColumnElement[bool]:
        after: ColumnElement[bool] = self.at > since
        if until is not None:
            return and_(after, self.at <= until)
        return or_(after, self.at.is_(None)) if self.counts_open else after

    def _bucket(self) -> ColumnElement[int]:
        bounds = self.metric.buckets
        if self.value is None or not bounds:
            return literal(0)
        return case(
            *((self.value <= bound, number) for number, bound in enumerate(bounds)),
            else_=len(bounds),
        )


def _word(column: Any) -> ColumnElement[str]:
    """An enum's value, or `unknown` if it is NULL."""
    return func.coalesce(type_coerce(column, String), "unknown")


_DESKTOPS = Desktop.__table__.join(Template.__table__, Template.id == Desktop.template_id)
_STEPS = DesktopStep.__table__.join(Desktop.__table__, Desktop.id == DesktopStep.desktop_id)
#: A desktop with `warmed_at` came from the pool.
_START = case((Desktop.warmed_at.is_not(None), "warm"), else_="cold")
#: The step in which a build (or an assignment) failed.
_LAST_STEP = (
    select(DesktopStep.name)
    .where(DesktopStep.desktop_id == Desktop.id)
    .order_by(DesktopStep.id.desc())
    .limit(1)
    .scalar_subquery()
)
_FAILED_IN = func.coalesce(_LAST_STEP, "start")
_WHY = func.coalesce(Desktop.failure_reason, "other")
_IS_BUILT = Desktop.state.not_in({State.QUEUED, State.BUILDING})

SOURCES = (
    Source(
        metrics.LAUNCHES,
        _DESKTOPS,
        Desktop.launched_at,
        (Template.name.expression, _START),
    ),
    Source(
        metrics.LAUNCH_SECONDS,
        _DESKTOPS,
        Desktop.ready_at,
        (Template.name.expression, _START),
        seconds_between(Desktop.launched_at, Desktop.ready_at),
    ),
    Source(
        metrics.STAGE_SECONDS,
        Desktop.__table__,
        Desktop.build_started_at,
        (literal("queue"),),
        seconds_between(Desktop.created_at, Desktop.build_started_at),
    ),
    Source(  # a build that starts over deletes its steps, so they count only after the build
        metrics.STAGE_SECONDS,
        _STEPS,
        DesktopStep.finished_at,
        (DesktopStep.name.expression,),
        seconds_between(DesktopStep.started_at, DesktopStep.finished_at),
        (_IS_BUILT,),
    ),
    Source(
        metrics.FAILURES, _DESKTOPS, Desktop.failed_at, (Template.name.expression, _FAILED_IN, _WHY)
    ),
    Source(
        metrics.ENDS,
        _DESKTOPS,
        Desktop.ended_at,
        (Template.name.expression, _word(Desktop.end_reason)),
    ),
    Source(
        metrics.EXPIRY_DELAY,
        Desktop.__table__,
        Desktop.ended_at,
        (),
        seconds_between(Desktop.deadline_at, Desktop.stop_requested_at),
        (Desktop.end_reason == EndReason.EXPIRED,),
    ),
    Source(
        metrics.TEARDOWN_SECONDS,
        Desktop.__table__,
        Desktop.ended_at,
        (),
        seconds_between(Desktop.stop_requested_at, Desktop.ended_at),
    ),
    Source(
        metrics.CONNECTIONS,
        Connection.__table__,
        Connection.started_at,
        (_word(Connection.protocol), _word(Connection.door), _word(Connection.target_kind)),
    ),
    Source(
        metrics.CONNECTION_ENDS,
        Connection.__table__,
        Connection.ended_at,
        (_word(Connection.end),),
    ),
    Source(
        metrics.CONNECTION_BYTES,
        Connection.__table__,
        Connection.ended_at,
        (literal("up"),),
        Connection.bytes_up.expression,
        counts_open=True,
    ),
    Source(
        metrics.CONNECTION_BYTES,
        Connection.__table__,
        Connection.ended_at,
        (literal("down"),),
        Connection.bytes_down.expression,
        counts_open=True,
    ),
    Source(
        metrics.CONNECTION_CPU,
        Connection.__table__,
        Connection.ended_at,
        (),
        Connection.cpu_ms.expression / 1000.0,
        counts_open=True,
    ),
    Source(
        metrics.CONNECTIONS_SLOWED,
        Connection.__table__,
        Connection.ended_at,
        where=(Connection.was_slowed.is_(True),),
        counts_open=True,
    ),
    Source(
        metrics.REFUSALS,
        AuditEntry.__table__,
        AuditEntry.at,
        (AuditEntry.action.expression, _word(AuditEntry.reason)),
        AuditEntry.times.expression,
        where=(AuditEntry.is_refused.is_(True),),
    ),
    Source(
        metrics.FOUND,
        FindingRow.__table__,
        FindingRow.first_seen_at,
        (_word(FindingRow.kind),),
    ),
)
