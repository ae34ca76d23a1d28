"""Whose turn it is when several people wait: in the order they came, each turn paid for.

A desktop waits ten minutes longer for each other desktop of its owner that is being worked on, or
was since it waits. So who asks for many at once takes turns with everybody else, and who has
waited long comes first whatever others ask for.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, UnaryExpression, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from webapp.models import Desktop
from webapp.models.base import UtcDateTime
from webapp.services.sql_times import seconds_between

#: How much later a desktop's turn comes for each turn that its owner had; longer than a build.
TURN = timedelta(minutes=10)


def fair_order(
    now: datetime,
) -> tuple[UnaryExpression[float], InstrumentedAttribute[datetime], InstrumentedAttribute[int]]:
    """What to order waiting desktops by; those of nobody (the pools') in the order they came."""
    waited = seconds_between(Desktop.state_at, literal(now, UtcDateTime()))
    paid = waited - _turns_taken(now) * TURN.total_seconds()
    return paid.desc(), Desktop.state_at, Desktop.id


def _turns_taken(now: datetime) -> ColumnElement[int]:
    """How many other desktops of the same owner had a worker since this one waits.

    In two parts, as each finds its rows by an index, however long the owner's history is.
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
