"""Limits failed sign-ins and invalid API keys. A sign-in is counted before its password is
checked, so that simultaneous attempts cannot exceed a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import Session

from webapp.domain.people import sign_in_limits as rules
from webapp.models import Person, SignIn, SignInAttempt
from webapp.ports import Clock, Database
from webapp.services.sql_locks import SIGN_IN_ATTEMPTS, turn_of


@dataclass(frozen=True)
class Try:
    """A sign-in attempt: what is known before the password is checked."""

    name: str
    source: str
    """As returned by `source_network()`."""
    person: Person | None
    """The person of that name, if any."""
    device: str | None = None
    """The person's known device, as proved by the device cookie."""


class SignInAttempts:
    """Counts attempts within the limits; a successful one is deleted."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def check(self, wanted: Try) -> None:
        """Raise TooMany if a limit is reached. Writes nothing."""
        with self._db.read() as session:
            self._decide(session, wanted)

    def count(self, wanted: Try) -> int:
        """Count this attempt as failed and return its row's id. Raises TooMany at a limit."""
        with self._db.begin() as session:
            session.execute(select(turn_of(SIGN_IN_ATTEMPTS)))
            self._decide(session, wanted)
            return self._add(session, wanted.name, wanted.source, wanted.device)

    def count_key(self, source: str) -> None:
        """Count an invalid API key from this source. Raises TooMany at the limit."""
        since = self._clock.now() - rules.WINDOW
        recent = select(SignInAttempt.at).where(
            SignInAttempt.source == source, SignInAttempt.at > since
        )
        with self._db.begin() as session:
            session.execute(select(turn_of(SIGN_IN_ATTEMPTS)))
            times = list(session.scalars(recent.order_by(SignInAttempt.at)))
            rules.decide_key(times, self._clock.now())
            self._add(session, "", source, None)

    def forgive(self, session: Session, wanted: Try, attempt: int) -> None:
        """Delete this attempt and earlier failures of the same browser: the password was right."""
        theirs = SignInAttempt.device == wanted.device
        if wanted.device is None:
            theirs = SignInAttempt.device.is_(None) & (SignInAttempt.source == wanted.source)
        session.execute(
            delete(SignInAttempt).where(
                (SignInAttempt.id == attempt) | (theirs & (SignInAttempt.name == wanted.name))
            )
        )

    def _decide(self, session: Session, wanted: Try) -> None:
        now = self._clock.now()
        rows = _recent(session, wanted, now - rules.WINDOW)
        unknown = [row for row in rows if row.device is None]
        rules.decide_sign_in(
            rules.Failures(
                of_account_here=[r.at for r in unknown if _is(r, wanted.name, wanted.source)],
                of_address=[r.at for r in unknown if r.source == wanted.source],
                of_account=[r.at for r in unknown if r.name == wanted.name],
                is_known_address=_is_known_address(session, wanted, now),
                of_device=[r.at for r in rows if r.device is not None],
                is_known_device=wanted.device is not None,
            ),
            now,
        )

    def _add(self, session: Session, name: str, source: str, device: str | None) -> int:
        now = self._clock.now()
        row = SignInAttempt(at=now, name=name, source=source[:45], device=device)
        session.add(row)
        session.flush()
        is_old = SignInAttempt.at <= now - rules.WINDOW
        is_too_many = SignInAttempt.id <= row.id - rules.MOST_ATTEMPTS
        session.execute(delete(SignInAttempt).where(is_old | is_too_many))
        return row.id


def source_network(address: str) -> str:
    """Returns what an address counts as for limits: itself, or its /64 for IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:45]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)


def _recent(
    session: Session, wanted: Try, since: datetime
) -> Sequence[Row[datetime, str, str, str | None]]:
    """Failures that count for this attempt, oldest first: for a known device its own, otherwise
    those of the account and of the address."""
    query = select(
        SignInAttempt.at, SignInAttempt.name, SignInAttempt.source, SignInAttempt.device
    ).where(SignInAttempt.at > since)
    if wanted.device is not None:
        query = query.where(
            SignInAttempt.name == wanted.name, SignInAttempt.device == wanted.device
        )
    else:
        is_theirs = (SignInAttempt.name == wanted.name) | (SignInAttempt.source == wanted.source)
        query = query.where(is_theirs, SignInAttempt.device.is_(None))
    return session.execute(query.order_by(SignInAttempt.at)).all()


def _is(row: Row[datetime, str, str, str | None], name: str, source: str) -> bool:
    return bool(row.name == name and row.source == source)


def _is_known_address(session: Session, wanted: Try, now: datetime) -> bool:
    """Whether the person signed in from there recently, and after their holdings were last
    ended."""
    if wanted.person is None:
        return False
    since = now - rules.KNOWN_FOR
    if wanted.person.held_since:
        since = max(since, wanted.person.held_since)
    addresses = session.scalars(
        select(SignIn.source_address)
        .where(SignIn.person_id == wanted.person.id, SignIn.created_at >= since)
        .group_by(SignIn.source_address)
        .order_by(func.max(SignIn.id).desc())
    )
    return any(source_network(address) == wanted.source for address in addresses)
