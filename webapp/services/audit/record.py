"""Writes audit entries: in the transaction of the action, or in their own for a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import ScalarSelect, select, update
from sqlalchemy.orm import Session

from webapp.domain.access import Internal, Subject
from webapp.domain.audit.actions import (
    FOLD_WITHIN,
    NOT_FOUND,
    OPERATOR_ROLE,
    Refusal,
    decide_folding,
    subject_kind,
)
from webapp.domain.audit.stored_refusal import to_stored
from webapp.domain.errors import NotFound, Refused
from webapp.domain.people.roles import Role
from webapp.models import AuditEntry, Person
from webapp.ports import Clock, Database
from webapp.services.audit.announce import announce


@dataclass(frozen=True)
class Actor(Subject):
    """Who acts, and from where; without a role, a caller who acts on their own things only."""

    source_address: str | None = None
    key_id: int | None = field(default=None, kw_only=True)
    """The API key that was used; None: a sign-in, or the command line."""


#: Winux acting by itself: expiry, reconciliation.
SYSTEM = Actor(None, role=Internal.WINUX)

#: Stands in for refusals that came too fast to be written one by one.
_SEVERAL = Refused("several")


class Audit:
    """Records actions and refusals."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def record(
        self,
        session: Session,
        actor: Actor,
        action: str,
        subject: str = "",
        detail: str = "",
        *,
        kind: str = "",
    ) -> None:
        """Record an action, in the caller's transaction; `kind` is the subject's, where the action
        does not tell it."""
        entry = self._entry(actor, action, subject, detail)
        if kind:
            entry.subject_kind = kind
        self._write(session, entry)

    @contextmanager
    def refusals(self, actor: Actor, action: str, subject: str = "") -> Iterator[None]:
        """Records a Refused or NotFound that the block raises, in its own transaction."""
        try:
            yield
        except Refused as refusal:
            self.refuse(actor, action, subject, refusal)
            raise
        except NotFound as error:
            self.refuse(actor, action, subject, error)
            raise

    def refuse(
        self,
        actor: Actor,
        action: str,
        subject: str,
        error: Refused | NotFound | str,
        detail: str = "",
    ) -> None:
        """Record a refusal, in a transaction of its own; a `str` is a reason without a sentence."""
        entry = self._entry(actor, action, subject, detail, _reason(error))
        entry.refusal = None if isinstance(error, str) else to_stored(error)
        self._write_refusal(actor, entry)

    def _write_refusal(self, actor: Actor, entry: AuditEntry) -> None:
        """Write the entry. Repeats within a few minutes are counted in the first one's entry."""
        with self._db.begin() as session:
            announce(session, entry)
            folding = decide_folding(_refusal(entry), self._recent(session, actor, entry.action))
            if folding.into is not None:
                self._count_in(session, folding.into)
                return
            if folding.written_as.subject != entry.subject:
                entry.subject, entry.detail, entry.refusal = "", "", to_stored(_SEVERAL)
            entry.source_address = folding.written_as.source
            session.add(entry)

    def _recent(self, session: Session, actor: Actor, action: str) -> list[tuple[int, Refusal]]:
        """Earlier refusals of the same person (or of all unknown callers) that this one may
        repeat, oldest first."""
        since = self._clock.now() - FOLD_WITHIN
        rows = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.is_refused.is_(True), AuditEntry.at > since)
            .where(AuditEntry.action == action)
            .where(AuditEntry.person_id.is_not_distinct_from(actor.person_id))
            .order_by(AuditEntry.id)
        )
        return [(row.id, _refusal(row)) for row in rows]

    def _count_in(self, session: Session, entry_id: int) -> None:
        session.execute(
            update(AuditEntry)
            .where(AuditEntry.id == entry_id)
            .values(times=AuditEntry.times + 1, last_at=self._clock.now())
            .execution_options(synchronize_session=False)
        )

    def _write(self, session: Session, entry: AuditEntry) -> None:
        """Add the entry and its webhook deliveries."""
        session.add(entry)
        announce(session, entry)

    def _entry(
        self, actor: Actor, action: str, subject: str, detail: str, reason: str | None = None
    ) -> AuditEntry:
        return AuditEntry(
            at=self._clock.now(),
            action=action,
            is_refused=reason is not None,
            reason=reason and reason[:32],
            person_id=actor.person_id,
            role=_role(actor),
            key_id=actor.key_id,
            source_address=actor.source_address,
            subject_kind=subject_kind(action, is_refused=reason is not None),
            subject=subject[:80],
            detail=detail[:500],
        )


def _reason(error: Refused | NotFound | str) -> str:
    if isinstance(error, NotFound):
        return NOT_FOUND
    return error.reason if isinstance(error, Refused) else error


def _refusal(entry: AuditEntry) -> Refusal:
    return Refusal(
        entry.person_id, entry.key_id, entry.source_address, entry.reason or "", entry.subject
    )


def _role(actor: Actor) -> ScalarSelect[Role] | str | None:
    """The actor's role when the entry is written, as a subquery: it needs no query before."""
    if actor.person_id is None:
        return OPERATOR_ROLE if actor.role is Internal.COMMAND_LINE else None
    return select(Person.role).where(Person.id == actor.person_id).scalar_subquery()
