"""API keys: creating, identifying, listing and revoking them."""

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from webapp.domain.access import Action, Kind, Resource, held_scopes, may, may_grant, subject_of_key
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.people import keys as rules
from webapp.domain.people.keys import Scope
from webapp.domain.people.passwords import same_name
from webapp.domain.people.roles import Role
from webapp.models import ApiKey, Person
from webapp.ports import Clock, Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit
from webapp.services.paging import PAGE_SIZE, Page

#: A key's `last_used_at` is written at most this often.
USED_EVERY = timedelta(minutes=1)
#: Attempts to generate a key whose prefix is not taken.
TRIES = 5


@dataclass(frozen=True)
class NewKey:
    """A new key. `text` is the secret; it is available only here."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True)
class KeyHolder:
    """The person and rights of a request with a valid key. Created anew for every request."""

    key_id: int
    person_id: int
    name: str
    """The person's name."""
    role: Role
    scopes: frozenset[Scope]
    """The effective scopes: `launch` includes `read`; `admin`, only for roles that allow more than
    every person may, includes both."""

    def actor(self, source_address: str | None) -> Actor:
        """The actor for calls of services."""
        subject = subject_of_key(self.person_id, self.role, self.scopes)
        return Actor(
            self.person_id,
            source_address,
            role=self.role,
            scope=subject.scope,
            key_id=self.key_id,
        )


class Keys:
    """The use cases around API keys."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        make_key: Callable[[], str] = rules.make_key,
    ) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._make_key = make_key

    def make(
        self,
        actor: Actor,
        name: str,
        scopes: Iterable[str],
        expires_at: datetime | None = None,
        *,
        person: str | None = None,
    ) -> NewKey:
        """Create a key for the actor. Only commands on the machine may name another `person`.

        Raises BadInput, also if the person has a key of that name; Refused with `forbidden` (the
        admin scope for the role person, or a key without that scope that creates keys) or
        `too_many_keys`; NotFound for an unknown person.
        """
        with self._audit.refusals(actor, "key.add", person or ""), self._db.begin() as session:
            chosen = rules.parse_scopes(scopes)
            owner = self._owner(session, actor, person)
            name = rules.parse_key_name(name)
            self._check(session, actor, owner, chosen)
            if self._is_taken(session, owner, name):
                raise BadInput("name", "key_taken", name=name)
            key = ApiKey(
                key_hash="",
                name=name,
                scope_words=" ".join(scope for scope in Scope if scope in chosen),
                person=owner,
                created_at=self._clock.now(),
                expires_at=rules.parse_expiry(expires_at, self._clock.now()),
            )
            text = self._free_text(session)
            key.prefix, key.key_hash = rules.prefix_of(text) or "", rules.hash_key(text)
            session.add(key)
            session.flush()
            self._audit.record(session, actor, "key.add", owner.name, _words(key))
        return NewKey(key, text)

    def list(self, person_id: int | None) -> Sequence[ApiKey]:
        """The person's keys that are not revoked, newest first; None: those of all people."""
        query = select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc())
        if person_id is not None:
            query = query.where(ApiKey.person_id == person_id)
        with self._db.read() as session:
            return session.scalars(query).all()

    def search(self, text: str, page: int) -> Page[ApiKey]:
        """Keys of all people whose person, name or prefix contains `text`, a page at a time."""
        query = select(ApiKey).join(ApiKey.person).where(ApiKey.revoked_at.is_(None))
        if wanted := text.removeprefix("wx_").rstrip("_"):
            places = (Person.name, ApiKey.name, ApiKey.prefix)
            query = query.where(or_(*(one.icontains(wanted, autoescape=True) for one in places)))
        with self._db.read() as session:
            total = session.scalar(query.with_only_columns(func.count(ApiKey.id))) or 0
            pages = max(1, -(-total // PAGE_SIZE))
            number = min(max(page, 1), pages)
            newest = query.order_by(ApiKey.id.desc()).limit(PAGE_SIZE)
            rows = session.scalars(newest.offset((number - 1) * PAGE_SIZE)).all()
        return Page(rows, number, pages, total)

    def one(self, actor: Actor, key_id: int) -> ApiKey:
        """A key that is not revoked. Raises NotFound unless the actor may see it."""
        with self._db.read() as session:
            return _key(session, actor, key_id)

    def revoke(self, actor: Actor, key_id: int) -> None:
        """Revoke a key at once.

        Raises NotFound unless the actor may see it, Refused (`forbidden`) if the role allows no
        more than that.
        """
        with (
            self._audit.refusals(actor, "key.revoke", f"key {key_id}"),
            self._db.begin() as session,
        ):
            key = _key(session, actor, key_id)
            check(actor, Action.KEY_REVOKE, _resource(key))
            key.revoked_at = self._clock.now()
            self._audit.record(session, actor, "key.revoke", key.person.name, _words(key))

    def identify(self, text: str, source_address: str) -> KeyHolder | None:
        """Returns the key's holder; None if unknown, revoked, expired or of a suspended person."""
        key, now = self._find(text), self._clock.now()
        if key is None or not rules.is_good(key.standing, now):
            return None
        if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
            self._mark_used(key, source_address, now)
        role = key.person.role
        scopes = held_scopes(key.scopes, role)
        return KeyHolder(key.id, key.person_id, key.person.name, role, scopes)

    def refuse(self, text: str, source_address: str) -> None:
        """Record the use of an invalid key, with the reason."""
        key = self._find(text)
        if key is None:
            self._audit.refuse(Actor(None, source_address), "key.use", "", "unknown")
            return
        who = Actor(key.person_id, source_address, key_id=key.id)
        why = rules.why_refused(key.standing, self._clock.now()) or "unknown"
        self._audit.refuse(who, "key.use", key.person.name, why, _words(key))

    # -- parts ----------------------------------------------------------------------------------

    def _find(self, text: str) -> ApiKey | None:
        """Returns the key with this text, valid or not."""
        prefix = rules.prefix_of(text)
        if prefix is None:
            return None
        with self._db.read() as session:
            key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
        is_right = hmac.compare_digest(key.key_hash if key else "", rules.hash_key(text))
        return key if is_right else None

    def _owner(self, session: Session, actor: Actor, name: str | None) -> Person:
        """Returns the new key's owner. The row stays locked, so that two simultaneous calls cannot
        exceed a limit."""
        query = select(Person).with_for_update()
        if name is None:
            query = query.where(Person.id == actor.person_id)
        elif may(actor, Action.KEY_ADD):
            query = query.where(Person.name == same_name(name))
        else:
            raise Refused("forbidden.key_of_others")
        owner = session.scalar(query)
        if owner is None:
            raise NotFound("person", name=(name or "")[:64])
        return owner

    def _check(
        self, session: Session, actor: Actor, owner: Person, scopes: frozenset[Scope]
    ) -> None:
        if not may(actor, Action.KEY_ADD, Resource(Kind.KEY, owner.id)):
            raise Refused("forbidden.key_makes_keys")
        if owner.suspended_at is not None:
            raise BadInput("person", "person_suspended", name=owner.name)
        if not all(may_grant(owner.role, scope) for scope in scopes):
            raise Refused("forbidden.admin_scope")
        if self._count_good(session, owner) >= rules.MOST_KEYS:
            raise Refused("too_many_keys", most=rules.MOST_KEYS)

    def _count_good(self, session: Session, owner: Person) -> int:
        return session.scalar(self._good(owner).with_only_columns(func.count(ApiKey.id))) or 0

    def _is_taken(self, session: Session, owner: Person, name: str) -> bool:
        named = self._good(owner).where(ApiKey.name == name).with_only_columns(ApiKey.id)
        return session.scalar(named) is not None

    def _good(self, owner: Person) -> Select[ApiKey]:
        """Selects the owner's valid keys."""
        has_time = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > self._clock.now())
        return select(ApiKey).where(
            ApiKey.person_id == owner.id, ApiKey.revoked_at.is_(None), has_time
        )

    def _free_text(self, session: Session) -> str:
        """Returns the text of a new key with an unused prefix; the unique index enforces it."""
        text = self._make_key()
        for _ in range(TRIES):
            taken = select(ApiKey.id).where(ApiKey.prefix == rules.prefix_of(text))
            if session.scalar(taken) is None:
                break
            text = self._make_key()
        return text

    def _mark_used(self, key: ApiKey, source_address: str, now: datetime) -> None:
        with self._db.begin() as session:
            session.execute(
                update(ApiKey)
                .where(
                    ApiKey.id == key.id,
                    or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - USED_EVERY),
                )
                .values(last_used_at=now, last_used_from=source_address[:45])
            )


def _key(session: Session, actor: Actor, key_id: int) -> ApiKey:
    key = session.get(ApiKey, key_id)
    if key is None or key.revoked_at is not None or not may(actor, Action.KEY_SEE, _resource(key)):
        raise NotFound("key")
    return key


def _resource(key: ApiKey) -> Resource:
    return Resource(Kind.KEY, key.person_id)


def _words(key: ApiKey) -> str:
    return f"{key.prefix} {key.name} ({key.scope_words})"
