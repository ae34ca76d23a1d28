"""Accounts and sign-ins: who a browser is signed in as, and for how long."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.people import devices, passwords
from webapp.domain.people.roles import Role
from webapp.models import Person, SignIn
from webapp.ports import Clock, Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit
from webapp.services.people.holdings import end_holdings
from webapp.services.people.password_check import PasswordCheck
from webapp.services.people.sign_in_attempts import Try, source_network
from webapp.services.people.sign_ins import is_live

#: A sign-in's `seen_at` is written at most this often.
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """A live sign-in and its person. Created anew for every request."""

    sign_in_id: int
    person_id: int
    name: str
    role: Role


class Accounts:
    """People, their passwords and their sign-ins."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, check: PasswordCheck, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._check = check
        self._audit = audit
        self._device_key = config.secret_key.encode()

    # -- people ---------------------------------------------------------------------------------

    def add_person(
        self, actor: Actor, name: str, password: str, *, role: Role = Role.PERSON
    ) -> int:
        """Add a person and return the id. Raises BadInput if the name is taken or invalid."""
        with self._audit.refusals(actor, "person.add", name):
            check(actor, Action.PERSON_MANAGE)
            name = passwords.parse_name(name)
            hashed = self._check.hash(password)
            try:
                return self._write_person(actor, name, hashed, role)
            except IntegrityError as error:
                raise BadInput("name", "person_taken", name=name) from error

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
        """All people by name: at most `limit`, with names after `after`."""
        query = select(Person).where(Person.name > after).order_by(Person.name).limit(limit)
        with self._db.read() as session:
            return list(session.scalars(query))

    def person(self, name: str) -> Person:
        """Returns the person of that name. Raises NotFound."""
        with self._db.read() as session:
            return _person(session, name)

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """Set a new password on the person's behalf; ends everything that the person holds."""
        with self._audit.refusals(actor, "person.set_password", name):
            check(actor, Action.PERSON_MANAGE)
            hashed = self._check.hash(password)
            self._write_password(actor, name, hashed)

    def _write_password(self, actor: Actor, name: str, hashed: str) -> None:
        with self._db.begin() as session:
            person = _person(session, name)
            person.password_hash = hashed
            end_holdings(session, person, self._clock.now())
            self._audit.record(session, actor, "person.set_password", person.name)

    def suspend(self, actor: Actor, name: str) -> None:
        """Suspend the person: no more sign-ins, and everything that the person holds ends.

        Raises NotFound, and Refused for the actor's own account.
        """
        with self._audit.refusals(actor, "person.suspend", name), self._db.begin() as session:
            check(actor, Action.PERSON_MANAGE)
            person = _person(session, name)
            if person.id == actor.person_id:
                raise Refused("oneself.suspend")
            person.suspended_at = person.suspended_at or self._clock.now()
            end_holdings(session, person, self._clock.now())
            self._audit.record(session, actor, "person.suspend", person.name)

    def restore(self, actor: Actor, name: str) -> None:
        """Let the person sign in again. What `suspend` ended stays ended."""
        with self._audit.refusals(actor, "person.restore", name), self._db.begin() as session:
            check(actor, Action.PERSON_MANAGE)
            person = _person(session, name)
            person.suspended_at = None
            self._audit.record(session, actor, "person.restore", person.name)

    # -- sign-ins -------------------------------------------------------------------------------

    def sign_in(
        self, name: str, password: str, source_address: str, user_agent: str, device: str = ""
    ) -> str:
        """Returns the token for the browser's cookie. `device` is the device cookie it sent.

        Raises TooMany after too many failures, and the same Refused for an unknown name, a wrong
        password and a suspended person.
        """
        name = passwords.same_name(name)
        actor = Actor(None, source_address)
        with self._audit.refusals(actor, "sign_in", name):
            wanted = self._try(name, source_address, device)
            attempt = self._check.try_password(wanted, password)
            if wanted.person is None or attempt is None:
                raise _wrong_password()
            return self._open(wanted.person, wanted, attempt, source_address, user_agent)

    def device_cookie(self, person_id: int, shown: str) -> str:
        """Returns the device cookie for a browser in which this person is signed in. `shown` is
        the one that it sent."""
        with self._db.read() as session:
            owner = _owner(session.get_one(Person, person_id))
        made = devices.make_device(self._device_key, owner, self._clock.now())
        return devices.add_device(shown, made)

    def signed_in(self, token: str) -> SignedIn | None:
        """Returns the sign-in of this token, or None if it is unknown, ended or expired."""
        now = self._clock.now()
        with self._db.read() as session:
            row = _sign_in_by_token(session, token)
            if row is None or not is_live(row, self._config, now):
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
            return [row for row in rows if is_live(row, self._config, now)]

    def end_sign_in(self, actor: Actor, sign_in_id: int) -> None:
        """End one of the actor's own sign-ins. Raises NotFound for other people's."""
        with (
            self._audit.refusals(actor, "sign_in.end", str(sign_in_id)),
            self._db.begin() as session,
        ):
            row = session.get(SignIn, sign_in_id)
            if row is None or row.person_id != actor.person_id:
                raise NotFound("sign_in")
            row.ended_at = row.ended_at or self._clock.now()
            self._audit.record(session, actor, "sign_in.end", row.person.name)

    # -- parts ----------------------------------------------------------------------------------

    def _try(self, name: str, source_address: str, device: str) -> Try:
        """Returns what is known about the attempt before the password is checked."""
        with self._db.read() as session:
            person = session.scalar(select(Person).where(Person.name == name))
        known = None
        if person is not None:
            owner, now = _owner(person), self._clock.now()
            known = devices.known_device(self._device_key, owner, device, now)
        return Try(name, source_network(source_address), person, known)

    def _open(
        self, person: Person, wanted: Try, attempt: int, source_address: str, user_agent: str
    ) -> str:
        token = passwords.make_token()
        now = self._clock.now()
        with self._db.begin() as session:
            self._refuse_stale(session, person)
            self._check.attempts.forgive(session, wanted, attempt)
            session.add(
                SignIn(
                    token_hash=passwords.hash_token(token),
                    person_id=person.id,
                    created_at=now,
                    seen_at=now,
                    proved_at=now,
                    source_address=source_address[:45],
                    user_agent=user_agent[:200],
                )
            )
            self._audit.record(session, Actor(person.id, source_address), "sign_in", person.name)
        return token

    def _refuse_stale(self, session: Session, checked: Person) -> None:
        """Raise Refused if the password has changed or the person was suspended since the check."""
        row = session.get_one(Person, checked.id, with_for_update=True)
        if row.password_hash != checked.password_hash or row.suspended_at is not None:
            raise _wrong_password()


def _wrong_password() -> Refused:
    return Refused("wrong_password.sign_in")


def _owner(person: Person) -> devices.Owner:
    return devices.Owner(person.id, person.password_hash, person.held_since)


def _person(session: Session, name: str) -> Person:
    person = session.scalar(select(Person).where(Person.name == passwords.same_name(name)))
    if person is None:
        raise NotFound("person", name=name[:64])
    return person


def _sign_in_by_token(session: Session, token: str) -> SignIn | None:
    return session.scalar(select(SignIn).where(SignIn.token_hash == passwords.hash_token(token)))


def _signed_in(row: SignIn) -> SignedIn:
    return SignedIn(row.id, row.person_id, row.person.name, row.person.role)
