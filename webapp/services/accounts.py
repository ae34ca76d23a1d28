"""Accounts and sign-ins: who is who, and for how long a browser stays signed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain import passwords, sign_in_limits
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.models import ApiKey, Person, Role, SignIn, SignInAttempt
from webapp.ports import Clock, Database, Hasher
from webapp.services.audit import Actor, Audit
from webapp.services.sign_in_life import is_live

#: A sign-in's `seen_at` is written at most this often.
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """A live sign-in: who it is. Made anew for every request."""

    sign_in_id: int
    person_id: int
    name: str
    is_admin: bool


class Accounts:
    """People, their passwords and their sign-ins."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, hasher: Hasher, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._hasher = hasher
        self._audit = audit

    # -- people ---------------------------------------------------------------------------------

    def add_person(
        self, actor: Actor, name: str, password: str, *, role: Role = Role.PERSON
    ) -> int:
        """The id of the new person. Raises BadInput when the name is taken or not usable."""
        with self._audit.refusals(actor, "person.add", name):
            name = passwords.parse_name(name)
            hashed = self._hasher.hash(passwords.parse_password(password))
            try:
                return self._write_person(actor, name, hashed, role)
            except IntegrityError as error:
                raise BadInput("name", f"There is a person {name} already.") from error

    def _write_person(self, actor: Actor, name: str, hashed: str, role: Role) -> int:
        with self._db.begin() as session:
            person = Person(
                name=name, password_hash=hashed, role=role, created_at=self._clock.now()
            )
            session.add(person)
            session.flush()
            self._audit.record(session, actor, "person.add", name, role)
            return person.id

    def people(self, *, after: str = "", limit: int | None = None) -> list[Person]:
        """Everyone, by name; so many at most, of those whose names come after `after`."""
        query = select(Person).where(Person.name > after).order_by(Person.name).limit(limit)
        with self._db.read() as session:
            return list(session.scalars(query))

    def person(self, name: str) -> Person:
        """The person of that name. Raises NotFound."""
        with self._db.read() as session:
            return _person(session, name)

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """A new password; ends all of the person's sign-ins."""
        with self._audit.refusals(actor, "person.set_password", name):
            hashed = self._hasher.hash(passwords.parse_password(password))
            self._write_password(actor, name, hashed)

    def _write_password(self, actor: Actor, name: str, hashed: str) -> None:
        with self._db.begin() as session:
            person = _person(session, name)
            person.password_hash = hashed
            self._end_sign_ins(session, person.id)
            self._audit.record(session, actor, "person.set_password", person.name)

    def disable(self, actor: Actor, name: str) -> None:
        """Nobody signs in as this person any more; their sign-ins and keys end at once.

        Raises NotFound, and Refused for oneself.
        """
        with self._audit.refusals(actor, "person.disable", name), self._db.begin() as session:
            person = _person(session, name)
            if person.id == actor.person_id:
                raise Refused(
                    "oneself",
                    "You cannot suspend yourself.",
                    what_to_do="Ask another administrator, or use ./winux person disable.",
                )
            person.disabled_at = person.disabled_at or self._clock.now()
            self._end_sign_ins(session, person.id)
            self._revoke_keys(session, person.id)
            self._audit.record(session, actor, "person.disable", person.name)

    def enable(self, actor: Actor, name: str) -> None:
        """They may sign in again. What `disable` ended stays ended."""
        with self._audit.refusals(actor, "person.enable", name), self._db.begin() as session:
            person = _person(session, name)
            person.disabled_at = None
            self._audit.record(session, actor, "person.enable", person.name)

    # -- sign-ins -------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, source_address: str, user_agent: str) -> str:
        """The token for the browser's cookie.

        Raises TooMany when it failed too often, and one same Refused for an unknown name, a wrong
        password and a disabled person.
        """
        name = name.strip().lower()[:64]
        source = source_network(source_address)
        actor = Actor(None, source_address)
        with self._audit.refusals(actor, "sign_in", name):
            person = self._check_limits(name, source)
            is_right = self._hasher.is_right(
                person.password_hash if person else None, password[: passwords.LONGEST + 1]
            )
            if person is None or not is_right or person.disabled_at:
                self._count_failure(name, source)
                raise Refused(
                    "wrong_password",
                    "That name and password do not belong together.",
                    what_to_do="Check both and try again.",
                )
            return self._open(person, source_address, user_agent)

    def signed_in(self, token: str) -> SignedIn | None:
        """Who holds this token, or None when it is unknown, ended or timed out."""
        now = self._clock.now()
        with self._db.read() as session:
            row = _sign_in_by_token(session, token)
            if row is None or not self._is_live(row, now):
                return None
            if now - row.seen_at < SEEN_EVERY:
                return _signed_in(row)
        with self._db.begin() as session:
            session.execute(update(SignIn).where(SignIn.id == row.id).values(seen_at=now))
        return _signed_in(row)

    def sign_out(self, actor: Actor, token: str) -> None:
        """End the sign-in of this token."""
        with self._db.begin() as session:
            row = _sign_in_by_token(session, token)
            if row and row.ended_at is None:
                row.ended_at = self._clock.now()
                self._audit.record(session, actor, "sign_out", row.person.name)

    def sign_ins(self, person_id: int) -> list[SignIn]:
        """The person's live sign-ins, newest first."""
        now = self._clock.now()
        with self._db.read() as session:
            rows = session.scalars(
                select(SignIn)
                .where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
                .order_by(SignIn.seen_at.desc())
            )
            return [row for row in rows if self._is_live(row, now)]

    def end_sign_in(self, actor: Actor, sign_in_id: int) -> None:
        """End one of the actor's own sign-ins. Raises NotFound for anybody else's."""
        with (
            self._audit.refusals(actor, "sign_in.end", str(sign_in_id)),
            self._db.begin() as session,
        ):
            row = session.get(SignIn, sign_in_id)
            if row is None or row.person_id != actor.person_id:
                raise NotFound("There is no such sign-in.")
            row.ended_at = row.ended_at or self._clock.now()
            self._audit.record(session, actor, "sign_in.end", row.person.name)

    # -- parts ----------------------------------------------------------------------------------

    def _is_live(self, row: SignIn, now: datetime) -> bool:
        return is_live(row, self._config, now)

    def _check_limits(self, name: str, source: str) -> Person | None:
        """The person of that name, if any, unless a limit is reached."""
        now = self._clock.now()
        with self._db.read() as session:
            recent = session.execute(
                select(SignInAttempt.at, SignInAttempt.name, SignInAttempt.source)
                .where(
                    SignInAttempt.at > now - sign_in_limits.WINDOW,
                    (SignInAttempt.name == name) | (SignInAttempt.source == source),
                )
                .order_by(SignInAttempt.at)
            ).all()
            person = session.scalar(select(Person).where(Person.name == name))
            is_known = person is not None and self._has_been_here(session, person, source)
        sign_in_limits.decide_sign_in(
            sign_in_limits.Failures(
                of_account_here=[r.at for r in recent if r.name == name and r.source == source],
                of_address=[r.at for r in recent if r.source == source],
                of_account=[r.at for r in recent if r.name == name],
                is_known_address=is_known,
            ),
            now,
        )
        return person

    def _has_been_here(self, session: Session, person: Person, source: str) -> bool:
        addresses = session.scalars(
            select(SignIn.source_address).where(SignIn.person_id == person.id).distinct()
        )
        return any(source_network(address) == source for address in addresses)

    def _count_failure(self, name: str, source: str) -> None:
        now = self._clock.now()
        with self._db.begin() as session:
            session.execute(
                delete(SignInAttempt).where(SignInAttempt.at <= now - sign_in_limits.WINDOW)
            )
            session.add(SignInAttempt(at=now, name=name, source=source))

    def _open(self, person: Person, source_address: str, user_agent: str) -> str:
        token = passwords.make_token()
        now = self._clock.now()
        with self._db.begin() as session:
            session.execute(
                delete(SignInAttempt).where(
                    SignInAttempt.name == person.name,
                    SignInAttempt.source == source_network(source_address),
                )
            )
            session.add(
                SignIn(
                    token_hash=passwords.hash_token(token),
                    person_id=person.id,
                    created_at=now,
                    seen_at=now,
                    source_address=source_address[:45],
                    user_agent=user_agent[:200],
                )
            )
            self._audit.record(session, Actor(person.id, source_address), "sign_in", person.name)
        return token

    def _end_sign_ins(self, session: Session, person_id: int) -> None:
        session.execute(
            update(SignIn)
            .where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
            .values(ended_at=self._clock.now())
        )

    def _revoke_keys(self, session: Session, person_id: int) -> None:
        session.execute(
            update(ApiKey)
            .where(ApiKey.person_id == person_id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )


def source_network(address: str) -> str:
    """What an address counts as for limits: itself, or its /64 for IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:45]
    if parsed.version == 4:
        return str(parsed)
    return str(ip_network((parsed, 64), strict=False))


def _person(session: Session, name: str) -> Person:
    person = session.scalar(select(Person).where(Person.name == name.strip().lower()))
    if person is None:
        raise NotFound(f"There is no person {name[:64]}.")
    return person


def _sign_in_by_token(session: Session, token: str) -> SignIn | None:
    return session.scalar(select(SignIn).where(SignIn.token_hash == passwords.hash_token(token)))


def _signed_in(row: SignIn) -> SignedIn:
    return SignedIn(row.id, row.person_id, row.person.name, row.person.is_admin)
