"""Reads the audit log: filtered, newest first, a page at a time or all of it in batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Row, Select, exists, func, select
from sqlalchemy.orm import Session

from webapp.domain.access import Action
from webapp.domain.audit.actions import FORMER, OPERATOR_ROLE
from webapp.domain.errors import BadInput
from webapp.domain.people.passwords import same_name
from webapp.models import ApiKey, AuditEntry, Person
from webapp.ports import Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit

PAGE_SIZE = 50
LARGEST_PAGE = 500
#: Entries that an export reads at a time, each batch in a short transaction of its own.
BATCH = 500
#: Stands in for a person's name: actions of Winux itself.
WINUX = "winux:itself"
#: Stands in for a person's name: actions of commands on the portal's machine.
MACHINE = "winux:machine"


@dataclass(frozen=True)
class AuditFilter:
    """Selects entries. Empty values match everything; all others must match."""

    person: str = ""
    """The sign-in name of the person who acted, or WINUX or MACHINE."""
    action: str = ""
    """An action such as `desktop.launch`, or a noun such as `desktop` for all of its actions."""
    subject: str = ""
    """The thing that was acted on, such as `desktop-a1b2c3d4` or a person's name."""
    refused_only: bool = False
    since: datetime | None = None
    """Inclusive; aware."""
    until: datetime | None = None
    """Exclusive; aware."""
    key: str = ""
    """The prefix of the API key that was used."""

    def words(self) -> str:
        """The filter in one line."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return ", ".join(f"{name}={value}" for name, value in chosen.items() if value) or "all"


@dataclass(frozen=True)
class AuditLine:
    """One action or refusal as lists show it. Contains no secret."""

    id: int
    at: datetime
    action: str
    is_refused: bool
    reason: str | None
    """The stable code of a refusal."""
    person: str | None
    """The person who acted; None: Winux itself or (with `role`) a command on the machine."""
    role: str | None
    """The person's role at that time."""
    key_prefix: str | None
    key_name: str | None
    source_address: str | None
    subject_kind: str
    subject: str
    detail: str
    """English text; empty if `refusal` is set."""
    refusal: Mapping[str, object] | None
    """Code and parameters of a refusal; webapp/texts makes its sentence."""
    times: int
    """How often it happened: repeats of a refusal are one line."""
    last_at: datetime | None
    """When it last happened, if more than once; `at` is the first time."""


@dataclass(frozen=True)
class AuditPage:
    """Some lines, newest first. For the next page pass `older` as `before`, or `newer` as
    `after`."""

    lines: Sequence[AuditLine]
    older: int | None
    """None if there are no older lines."""
    newer: int | None


class AuditLog:
    """Reads actions and refusals. The caller must check that only admins have access."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db = db
        self._audit = audit

    def page(
        self,
        wanted: AuditFilter,
        *,
        before: int | None = None,
        after: int | None = None,
        size: int = PAGE_SIZE,
    ) -> AuditPage:
        """The newest matching lines: older than the line `before`, or next newer than `after`.

        Raises BadInput unless 1 <= size <= LARGEST_PAGE and at most one of the two is given.
        """
        if not 1 <= size <= LARGEST_PAGE:
            raise BadInput("limit", "page_size", most=LARGEST_PAGE)
        if before is not None and after is not None:
            raise BadInput("after", "before_and_after")
        with self._db.read() as session:
            lines = _lines(session, wanted, before, after, size)
            if not lines:
                return AuditPage([], None, None)
            first, last = lines[0].id, lines[-1].id
            has_older = _exists(session, _matching(wanted).where(AuditEntry.id < last))
            has_newer = _exists(session, _matching(wanted).where(AuditEntry.id > first))
        return AuditPage(lines, last if has_older else None, first if has_newer else None)

    def export(self, actor: Actor, wanted: AuditFilter, kind: str) -> Iterator[AuditLine]:
        """All matching lines, for an export as `kind`. The export itself is recorded as well."""
        with self._audit.refusals(actor, "audit.export", kind), self._db.begin() as session:
            check(actor, Action.AUDIT_EXPORT)
            self._audit.record(session, actor, "audit.export", kind, wanted.words())
        return self.entries(wanted)

    def entries(self, wanted: AuditFilter) -> Iterator[AuditLine]:
        """All matching lines, newest first; one batch is in memory at a time."""
        before: int | None = None
        while True:
            with self._db.read() as session:
                lines = _lines(session, wanted, before, None, BATCH)
            yield from lines
            if len(lines) < BATCH:
                return
            before = lines[-1].id

    def actions(self) -> list[str]:
        """All actions that occur in the log, to choose from."""
        with self._db.read() as session:
            return list(session.scalars(select(AuditEntry.action).distinct().order_by("action")))


def _lines(
    session: Session, wanted: AuditFilter, before: int | None, after: int | None, size: int
) -> list[AuditLine]:
    query = (
        _matching(wanted)
        .with_only_columns(AuditEntry, Person.name, ApiKey.prefix, ApiKey.name)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .outerjoin(ApiKey, ApiKey.id == AuditEntry.key_id)
        .limit(size)
    )
    if after is not None:
        query = query.where(AuditEntry.id > after).order_by(AuditEntry.id)
        return [_line(row) for row in reversed(session.execute(query).all())]
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return [_line(row) for row in session.execute(query.order_by(AuditEntry.id.desc()))]


def _matching(wanted: AuditFilter) -> Select[AuditEntry]:
    query = select(AuditEntry)
    if wanted.person:
        query = _by(query, wanted.person)
    if wanted.action:
        action = FORMER.get(wanted.action, wanted.action)
        query = query.where(
            (AuditEntry.action == action)
            | AuditEntry.action.startswith(f"{action}.", autoescape=True)
        )
    if wanted.subject:
        query = query.where(AuditEntry.subject == wanted.subject)
    if wanted.refused_only:
        query = query.where(AuditEntry.is_refused.is_(True))
    if wanted.since:
        query = query.where(func.coalesce(AuditEntry.last_at, AuditEntry.at) >= wanted.since)
    if wanted.until:
        query = query.where(AuditEntry.at < wanted.until)
    if wanted.key:
        owned = select(ApiKey.id).where(ApiKey.prefix == wanted.key).scalar_subquery()
        query = query.where(AuditEntry.key_id == owned)
    return query


def _by(query: Select[AuditEntry], person: str) -> Select[AuditEntry]:
    if person in (WINUX, MACHINE):
        is_machine = AuditEntry.role == OPERATOR_ROLE
        role = is_machine if person == MACHINE else AuditEntry.role.is_(None)
        return query.where(AuditEntry.person_id.is_(None), role)
    name = same_name(person)
    return query.where(
        AuditEntry.person_id == select(Person.id).where(Person.name == name).scalar_subquery()
    )


def _exists(session: Session, query: Select[AuditEntry]) -> bool:
    return bool(session.scalar(select(exists(query.with_only_columns(AuditEntry.id)))))


def _line(row: Row[AuditEntry, str | None, str | None, str | None]) -> AuditLine:
    entry, person, key_prefix, key_name = row
    return AuditLine(
        id=entry.id,
        at=entry.at,
        action=entry.action,
        is_refused=entry.is_refused,
        reason=entry.reason,
        person=person,
        role=entry.role,
        key_prefix=key_prefix,
        key_name=key_name,
        source_address=entry.source_address,
        subject_kind=entry.subject_kind,
        subject=entry.subject,
        detail=entry.detail,
        refusal=entry.refusal,
        times=entry.times,
        last_at=entry.last_at,
    )
