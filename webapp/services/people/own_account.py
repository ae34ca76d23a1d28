"""Actions on one's own account: confirm or change the password, end everything held."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action, Kind, Resource, may
from webapp.domain.errors import NotFound, Refused
from webapp.domain.people import sign_in_limits
from webapp.domain.people.passwords import same_name
from webapp.models import Person, SignIn
from webapp.ports import Clock, Database
from webapp.services.audit.record import Actor, Audit
from webapp.services.people.holdings import end_holdings
from webapp.services.people.password_check import PasswordCheck
from webapp.services.people.sign_in_attempts import Try, source_network
from webapp.services.people.sign_ins import is_live


class OwnAccount:
    """Use cases that need a sign-in, or an operator on the machine."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, check: PasswordCheck, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._check = check
        self._audit = audit

    def is_fresh(self, actor: Actor, sign_in_id: int) -> bool:
        """Whether the password was typed recently enough for actions that need it."""
        try:
            self._decide_fresh(self._own(actor, sign_in_id))
        except Refused:
            return False
        return True

    def check_fresh(self, actor: Actor, sign_in_id: int, action: str) -> None:
        """Raise Refused (`password_needed`) if the password must be typed again for `action`."""
        with self._audit.refusals(actor, action):
            self._decide_fresh(self._own(actor, sign_in_id))

    def confirm(self, actor: Actor, sign_in_id: int, password: str) -> None:
        """Check the password again. Raises Refused, TooMany, NotFound."""
        with self._audit.refusals(actor, "sign_in.confirm"):
            row = self._own(actor, sign_in_id)
            wanted, attempt = self._try(actor, row, password)
            with self._db.begin() as session:
                _unchanged(session, row.person)
                self._check.attempts.forgive(session, wanted, attempt)
                session.get_one(SignIn, row.id).proved_at = self._clock.now()
                self._audit.record(session, actor, "sign_in.confirm", row.person.name)

    def change_password(self, actor: Actor, sign_in_id: int, old: str, new: str) -> None:
        """Change one's own password; ends everything but this sign-in.

        Raises Refused for a wrong old password, BadInput for an unacceptable new one, TooMany.
        """
        with self._audit.refusals(actor, "person.change_password"):
            row = self._own(actor, sign_in_id)
            wanted, attempt = self._try(actor, row, old)
            hashed = self._check.hash(new)
            now = self._clock.now()
            with self._db.begin() as session:
                person = _unchanged(session, row.person)
                self._check.attempts.forgive(session, wanted, attempt)
                person.password_hash = hashed
                end_holdings(session, person, now, keep_sign_in=row.id)
                session.get_one(SignIn, row.id).proved_at = now
                self._audit.record(session, actor, "person.change_password", person.name)

    def end_everything(self, actor: Actor, name: str) -> None:
        """End everything that the person holds, including this sign-in. Raises NotFound for other
        people, unless the actor is an admin."""
        with (
            self._audit.refusals(actor, "person.end_everything", name),
            self._db.begin() as session,
        ):
            person = session.scalar(select(Person).where(Person.name == same_name(name)))
            if person is None or not _may_end(actor, person):
                raise NotFound("person", name=name[:64])
            end_holdings(session, person, self._clock.now())
            self._audit.record(session, actor, "person.end_everything", person.name)

    def _own(self, actor: Actor, sign_in_id: int) -> SignIn:
        with self._db.read() as session:
            row = session.get(SignIn, sign_in_id)
            if row is None or row.person_id != actor.person_id:
                raise NotFound("sign_in")
            if not is_live(row, self._config, self._clock.now()):
                raise NotFound("live_sign_in")
            return row

    def _decide_fresh(self, row: SignIn) -> None:
        sign_in_limits.decide_fresh(row.proved_at, self._config.fresh_sign_in, self._clock.now())

    def _try(self, actor: Actor, row: SignIn, password: str) -> tuple[Try, int]:
        """Check the password. Failures count only for this sign-in, so they block no other one."""
        source = source_network(actor.source_address or "")
        wanted = Try(row.person.name, source, row.person, f"s{row.id}")
        attempt = self._check.try_password(wanted, password)
        if attempt is None:
            raise Refused("wrong_password.own")
        return wanted, attempt


def _may_end(actor: Actor, person: Person) -> bool:
    own = Resource(Kind.ACCOUNT, person.id)
    return may(actor, Action.ACCOUNT_CHANGE, own) or may(actor, Action.PERSON_MANAGE)


def _unchanged(session: Session, checked: Person) -> Person:
    """Returns the person, locked. Raises Refused if the password changed since it was checked."""
    person = session.get_one(Person, checked.id, with_for_update=True)
    if person.password_hash != checked.password_hash or person.suspended_at is not None:
        raise Refused("wrong_password.own")
    return person
