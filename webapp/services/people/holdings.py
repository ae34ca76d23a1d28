"""Ends everything that a person holds. This is the only place that does."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from webapp.domain.connections.rules import ConnectionEnd
from webapp.models import ApiKey, Connection, Person, SignIn, Ticket


def end_holdings(
    session: Session, person: Person, now: datetime, *, keep_sign_in: int | None = None
) -> None:
    """End the person's sign-ins, API keys, tickets, open connections and device cookies.

    Event streams end with their sign-in or key. The sign-in `keep_sign_in` and what was opened
    under it remain; its browser needs a new device cookie.
    """
    person.held_since = now
    _end_sign_ins(session, person.id, now, keep_sign_in)
    session.execute(
        update(ApiKey)
        .where(ApiKey.person_id == person.id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    _end_tickets(session, person.id, keep_sign_in)
    _cut_connections(session, person.id, keep_sign_in)


def _end_sign_ins(session: Session, person_id: int, now: datetime, kept: int | None) -> None:
    ended = update(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
    if kept is not None:
        ended = ended.where(SignIn.id != kept)
    session.execute(ended.values(ended_at=now))


def _end_tickets(session: Session, person_id: int, kept: int | None) -> None:
    unused = delete(Ticket).where(Ticket.person_id == person_id, Ticket.redeemed_at.is_(None))
    if kept is not None:
        unused = unused.where(Ticket.sign_in_id.is_distinct_from(kept))
    session.execute(unused)


def _cut_connections(session: Session, person_id: int, kept: int | None) -> None:
    cut = update(Connection).where(
        Connection.person_id == person_id,
        Connection.ended_at.is_(None),
        Connection.cut_as.is_(None),
    )
    if kept is not None:
        cut = cut.where(Connection.sign_in_id.is_distinct_from(kept))
    session.execute(cut.values(cut_as=ConnectionEnd.SUSPENDED))
