"""Fair order of waiting desktops: first come, first served, with a penalty for each turn taken.

A desktop is ranked ten minutes later for each other desktop of its owner that a worker is working
on, or has worked on since this one was queued. So a person who launches many at once takes turns
with the others, and a launch that has waited long comes first whatever others launch.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, UnaryExpression, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from webapp.models import Desktop
from webapp.models.base import UtcDateTime
from webapp.services.sql_times import seconds_between

#: Penalty for each turn that the desktop's owner had; longer than a build.
TURN = timedelta(minutes=10)


def fair_order(
    now: datetime,
) -> tuple[UnaryExpression[float], InstrumentedAttribute[datetime], InstrumentedAttribute[int]]:
    """Returns the sort keys of waiting desktops. Pool desktops have no penalty."""
    waited = seconds_between(Desktop.state_at, literal(now, UtcDateTime()))
    paid = waited - _turns_taken(now) * TURN.total_seconds()
    return paid.desc(), Desktop.state_at, Desktop.id


def _turns_taken(now: datetime) -> ColumnElement[int]:
    """Number of other desktops of the same owner that had a worker since this one was queued.

    Two subqueries, because each can use an index, however long the owner's history is.
    """
    other, ended = aliased(Desktop), aliased(Desktop)
    since = Desktop.state_at
    live = select(func.count(other.id)).where(
        other.owner_id == Desktop.owner_id,
        other.id != Desktop.id,
        other.ended_at.is_(None),
        or_(
            other.worked_until >= now,
            other.build_started_at >= since,
            other.ready_at >= since,
            other.resumed_at >= since,
        ),
    )
    gone = select(func.count(ended.id)).where(
        ended.owner_id == Desktop.owner_id, ended.ended_at >= since
    )
    return live.correlate(Desktop).scalar_subquery() + gone.correlate(Desktop).scalar_subquery()
