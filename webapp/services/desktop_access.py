"""The desktop that an action is done to, if the actor may do it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.access import Action, Denied, Kind, Reason, Resource, decide, may
from webapp.domain.errors import NotFound
from webapp.models import Desktop
from webapp.services.access import forbidden
from webapp.services.audit.record import Actor


def find_desktop(
    session: Session, actor: Actor, action: Action, public_id: str, *, lock: bool = False
) -> Desktop:
    """The desktop, if the actor may do the action to it.

    Raises Refused (`forbidden`) if the actor may see it but the role does not allow the action,
    NotFound in all other cases. With `lock`, its row is locked until the end of the transaction.
    """
    query = select(Desktop).where(Desktop.public_id == public_id)
    desktop = session.scalar(query.with_for_update(of=Desktop) if lock else query)
    if desktop is None:
        raise _none()
    answer = decide(actor, action, resource_of(desktop))
    if isinstance(answer, Denied):
        is_seen = may(actor, Action.DESKTOP_SEE, resource_of(desktop))
        raise forbidden() if is_seen and answer.reason is Reason.ROLE else _none()
    return desktop


def resource_of(desktop: Desktop) -> Resource:
    """The desktop as the resource of an action."""
    return Resource(Kind.DESKTOP, desktop.owner_id)


def _none() -> NotFound:
    return NotFound("desktop")
