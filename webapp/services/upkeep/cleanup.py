"""Clean-ups on demand: an administrator requests one, a worker does it, the audit log records it.

The web process never talks to Proxmox, so it writes the request and reads the result.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.access import Action
from webapp.domain.errors import Conflict, NotFound, OutsideFailed
from webapp.models import AuditEntry, Cleanup
from webapp.ports import Clock, Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit

#: A clean-up that takes longer is assumed to have lost its worker; another worker takes it.
LONGEST_ROUND = timedelta(minutes=10)
SHOWN = 200


@dataclass(frozen=True)
class CleanupAction:
    """One action of Winux itself."""

    at: datetime
    action: str
    subject: str
    detail: str


@dataclass(frozen=True)
class CleanupView:
    """A clean-up and what it did."""

    cleanup: Cleanup
    deeds: Sequence[CleanupAction]

    @property
    def status(self) -> str:
        if self.cleanup.finished_at is None:
            return "working" if self.cleanup.taken_at else "asked"
        return "trouble" if self.cleanup.trouble else "done"


class Cleanups:
    """Requests and runs clean-ups."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit

    def ask(self, actor: Actor) -> CleanupView:
        """Request a clean-up. If one is already waiting, it serves for this request too."""
        with self._audit.refusals(actor, "cleanup.ask"), self._db.begin() as session:
            check(actor, Action.CLEANUP_ASK)
            waiting = select(Cleanup).where(Cleanup.taken_at.is_(None))
            row = session.scalars(waiting.limit(1)).first()
            if row is None:
                row = Cleanup(
                    public_id=f"cleanup-{secrets.token_hex(4)}",
                    person_id=actor.person_id,
                    asked_at=self._clock.now(),
                )
                session.add(row)
            self._audit.record(session, actor, "cleanup.ask", row.public_id)
        return CleanupView(row, [])

    def one(self, public_id: str) -> CleanupView:
        """Returns a clean-up. Raises NotFound."""
        with self._db.read() as session:
            row = session.scalar(select(Cleanup).where(Cleanup.public_id == public_id))
            if row is None:
                raise NotFound("cleanup")
            return CleanupView(row, _deeds(session, row))

    def do_one(self, clean: Callable[[], object]) -> bool:
        """Run the oldest waiting clean-up by calling `clean`. Returns False if there is none."""
        row_id = self._take()
        if row_id is None:
            return False
        trouble = None
        try:
            clean()
        except OutsideFailed as error:
            trouble = str(error)[:500]
        except Conflict:
            trouble = "Another process changed the same rows. Clean up again."
        with self._db.begin() as session:
            row = session.get_one(Cleanup, row_id)
            row.finished_at = self._clock.now()
            row.last_entry = _newest(session)
            row.trouble = trouble
        return True

    def _take(self) -> int | None:
        now = self._clock.now()
        is_free = or_(Cleanup.taken_at.is_(None), Cleanup.taken_at < now - LONGEST_ROUND)
        waits = select(Cleanup).where(Cleanup.finished_at.is_(None), is_free).order_by(Cleanup.id)
        with self._db.read() as session:  # a read takes no write lock
            if session.scalars(waits.limit(1)).first() is None:
                return None
        with self._db.begin() as session:
            row = session.scalars(waits.limit(1).with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            row.taken_at = now
            row.first_entry = _newest(session)
            return row.id


def _newest(session: Session) -> int:
    return session.scalar(select(func.max(AuditEntry.id))) or 0


def _deeds(session: Session, row: Cleanup) -> list[CleanupAction]:
    if row.first_entry is None:
        return []
    found = select(AuditEntry).where(
        AuditEntry.id > row.first_entry, AuditEntry.person_id.is_(None)
    )
    if row.last_entry is not None:
        found = found.where(AuditEntry.id <= row.last_entry)
    entries = session.scalars(found.order_by(AuditEntry.id).limit(SHOWN))
    return [CleanupAction(one.at, one.action, one.subject, one.detail) for one in entries]
