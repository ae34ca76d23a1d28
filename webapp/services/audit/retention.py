"""Deletes old audit entries; the deletion is recorded as an entry too."""

from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.models import AuditEntry
from webapp.ports import Clock, Database
from webapp.services.audit.record import SYSTEM, Audit

#: Entries deleted in one transaction: other writers wait meanwhile.
BATCH = 5000


class AuditRetention:
    """Deletes entries that are older than the site's retention time."""

    def __init__(self, db: Database, clock: Clock, config: Config, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit

    def cut(self) -> None:
        """Delete entries that are too old. Each batch is recorded with its number of entries."""
        while self._cut_some():
            pass

    def _cut_some(self) -> bool:
        """Delete a batch. Returns whether there may be more."""
        if not self._config.audit_kept:
            return False
        before = self._clock.now() - self._config.audit_kept
        with self._db.read() as session:  # a read takes no write lock
            if session.scalar(_old(before).limit(1)) is None:
                return False
        with self._db.begin() as session:
            return self._cut_in(session, before) == BATCH

    def _cut_in(self, session: Session, before: datetime) -> int:
        chosen = _old(before).order_by(AuditEntry.id).limit(BATCH).subquery()
        gone = session.scalars(
            delete(AuditEntry)
            .where(AuditEntry.id.in_(select(chosen.c.id)))
            .execution_options(synchronize_session=False)
            .returning(AuditEntry.id)
        ).all()
        if gone:
            words = f"{len(gone)} entries, number {min(gone)} to {max(gone)}"
            day = before.date().isoformat()
            self._audit.record(session, SYSTEM, "audit.cut", f"before {day}", words)
        return len(gone)


def _old(before: datetime) -> Select[int]:
    """Ids of entries before that time. Uses the indexed first time of a folded entry: its repeats
    come at most minutes later."""
    return select(AuditEntry.id).where(AuditEntry.at < before)
