"""Which desktop a person may act on."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.errors import NotFound
from webapp.models import Desktop
from webapp.services.audit.record import Actor


def own_desktop(session: Session, actor: Actor, public_id: str) -> Desktop:
    """The actor's own desktop. Raises NotFound for all others, also for administrators."""
    desktop = _find(session, public_id)
    if desktop is None or not desktop.belongs_to(actor.person_id):
        raise _none()
    return desktop


def visible_desktop(
    session: Session, actor: Actor, public_id: str, *, lock: bool = False
) -> Desktop:
    """The desktop, if it is the actor's own or the actor is an administrator; else NotFound.

    With `lock`, its row is locked until the end of the transaction.
    """
    desktop = _find(session, public_id, lock=lock)
    if desktop is None or not (actor.is_admin or desktop.belongs_to(actor.person_id)):
        raise _none()
    return desktop


def _find(session: Session, public_id: str, *, lock: bool = False) -> Desktop | None:
    query = select(Desktop).where(Desktop.public_id == public_id)
    return session.scalar(query.with_for_update(of=Desktop) if lock else query)


def _none() -> NotFound:
    return NotFound("There is no such desktop.")
