"""People have priority: pool builds wait or give way while a person waits for a desktop."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import aliased

from webapp.domain.states import State
from webapp.models import Desktop

#: How long a launch may wait for a free slot before a pool build gives up its own.
PATIENCE = timedelta(seconds=1)


def is_launch_waiting(now: datetime, patience: timedelta = timedelta(0)) -> ColumnElement[bool]:
    """Whether a person's launch or resume is due and has waited for longer than `patience`.

    One that a worker holds, or whose retry time has not come, does not wait for a slot.
    """
    other = aliased(Desktop)
    return exists(
        select(other.id).where(
            other.owner_id.is_not(None),
            other.state.in_([State.QUEUED, State.BUILDING, State.ASSIGNING, State.RESUMING]),
            or_(other.worked_until.is_(None), other.worked_until < now),
            or_(other.retry_at.is_(None), other.retry_at <= now),
            other.state_at <= now - patience,
        )
    )
