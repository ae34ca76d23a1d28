"""The routes of the caller and its keys; for some roles, of all people and the audit log."""

from http import HTTPStatus
from typing import Any

from flask import url_for
from msgspec import UNSET

from webapp.api.framework.access import caller
from webapp.api.framework.answer import Answer
from webapp.api.framework.operation import Reply, operation
from webapp.api.framework.paging import PageQuery, decode_cursor, encode_cursor, next_link
from webapp.api.framework.problem import Problem
from webapp.api.people import schema as told
from webapp.api.people.schema import (
    AuditQuery,
    KeyId,
    KeyRequest,
    PasswordProof,
    PersonName,
    PersonRequest,
    RoleRequest,
)
from webapp.domain.access import Action
from webapp.domain.people.keys import Scope, default_end
from webapp.domain.people.passwords import same_name
from webapp.http.context import services
from webapp.models import ApiKey, Person
from webapp.services.audit.export import english_detail
from webapp.services.audit.log import AuditFilter, AuditLine


@operation(
    "GET", "/me", tag="me", action=Action.ACCOUNT_SEE, answers={200: Reply(told.Me, "The caller.")}
)
def get_me() -> Answer:
    """Get the caller's name and scopes."""
    who = caller()
    scopes = [scope for scope in Scope if scope in who.scopes]
    return Answer(told.Me(name=who.name, scopes=scopes, key=who.key_id))


@operation(
    "GET",
    "/keys",
    tag="me",
    action=Action.KEY_SEE,
    answers={200: Reply(told.KeyList, "One's own.")},
)
def list_keys() -> Answer:
    """List your API keys."""
    rows = services().keys.list(caller().person_id)
    return Answer(told.KeyList(keys=[told.Key(**_key(row)) for row in rows]))


def replay_key(reference: str, body: KeyRequest) -> Answer:
    """Answer a repeated request: the key without its text, which is not stored."""
    return _new_key(services().keys.one(caller().actor, int(reference)), None)


@operation(
    "POST",
    "/keys",
    tag="me",
    action=Action.KEY_ADD,
    answers={201: Reply(told.NewKey, "The key; its text is told this once.")},
    problems=("forbidden", "refused"),
    body_example={"name": "course platform", "scopes": ["launch"]},
    again=replay_key,
)
def make_key(body: KeyRequest) -> Answer:
    """Make an API key for yourself; a key may do this only with the scope admin.

    With a sign-in, the password must have been entered recently (`POST /me/password`); otherwise
    the `reason` of the refusal is `password_needed`.
    """
    who = caller()
    if who.sign_in_id is not None:
        services().own_account.check_fresh(who.actor, who.sign_in_id, "key.add")
    expires_at = body.expires_at
    if expires_at is UNSET:
        expires_at = default_end(services().config.key_life, services().clock.now())
    made = services().keys.make(who.actor, body.name, body.scopes, expires_at)
    return _new_key(made.key, made.text)


@operation(
    "POST",
    "/me/password",
    tag="me",
    action=Action.ACCOUNT_CHANGE,
    answers={204: Reply(None, "It is right, and counts for some minutes.")},
    problems=("forbidden", "refused"),
    body_example={"password": "correct horse battery"},
)
def confirm_password(body: PasswordProof) -> Answer:
    """Confirm the password, for operations that need a recent one; not with a key."""
    who = caller()
    if who.sign_in_id is None:
        raise Problem("forbidden", "A key has no password.")
    services().own_account.confirm(who.actor, who.sign_in_id, body.password)
    return Answer(status=HTTPStatus.NO_CONTENT)


@operation(
    "DELETE",
    "/keys/{key}",
    tag="me",
    action=Action.KEY_REVOKE,
    answers={204: Reply(None, "It works no more, and what was opened with it ends.")},
    problems=("not-found",),
)
def revoke_key(key: KeyId) -> Answer:
    """Revoke a key: your own, or with the scope admin anyone's if your role allows it."""
    services().keys.revoke(caller().actor, key)
    return Answer(status=HTTPStatus.NO_CONTENT)


@operation(
    "GET",
    "/people",
    tag="people",
    action=Action.PERSON_SEE,
    answers={200: Reply(told.PersonList, "A page of them.", {"Link": "The next page."})},
)
def list_people(query: PageQuery) -> Answer:
    """List people, by name."""
    after = decode_cursor(query.cursor, tuple[str])[0] if query.cursor else ""
    rows = services().accounts.people(after=after, limit=query.limit + 1)
    shown = rows[: query.limit]
    cursor = encode_cursor(shown[-1].name) if len(rows) > query.limit else None
    page = told.PersonList(people=[_person(row) for row in shown], next_cursor=cursor)
    return Answer(page, headers=next_link(cursor))


def replay_person(reference: str, body: PersonRequest) -> Answer:
    """Answer a repeated request: the person in its current state."""
    return _made_person(reference)


@operation(
    "POST",
    "/people",
    tag="people",
    action=Action.PERSON_MANAGE,
    answers={201: Reply(told.Person, "The person.", {"Location": "The person's address."})},
    body_example={"name": "alice", "password": "correct horse battery", "role": "person"},
    again=replay_person,
)
def add_person(body: PersonRequest) -> Answer:
    """Make an account."""
    services().accounts.add_person(caller().actor, body.name, body.password, role=body.role)
    return _made_person(same_name(body.name))


@operation(
    "GET",
    "/people/{name}",
    tag="people",
    action=Action.PERSON_SEE,
    answers={200: Reply(told.Person, "The person.")},
    problems=("not-found",),
)
def get_person(name: PersonName) -> Answer:
    """Get a person."""
    return Answer(_person(services().accounts.person(name)))


@operation(
    "PUT",
    "/people/{name}/role",
    tag="people",
    action=Action.PERSON_MANAGE,
    answers={200: Reply(told.Person, "The person.")},
    problems=("not-found", "refused"),
    body_example={"role": "auditor"},
)
def set_role(name: PersonName, body: RoleRequest) -> Answer:
    """Give a person another role; not yourself. It counts at once, also for the person's keys."""
    services().role_changes.set_role(caller().actor, name, body.role)
    return get_person(name)


@operation(
    "POST",
    "/people/{name}/suspend",
    tag="people",
    action=Action.PERSON_MANAGE,
    answers={200: Reply(told.Person, "The person.")},
    problems=("not-found", "refused"),
)
def suspend_person(name: PersonName) -> Answer:
    """Suspend a person; sign-ins, keys and connections end at once. Repeating changes nothing."""
    services().accounts.suspend(caller().actor, name)
    return get_person(name)


@operation(
    "POST",
    "/people/{name}/restore",
    tag="people",
    action=Action.PERSON_MANAGE,
    answers={200: Reply(told.Person, "The person.")},
    problems=("not-found",),
)
def restore_person(name: PersonName) -> Answer:
    """Let a suspended person sign in again; revoked keys stay revoked."""
    services().accounts.restore(caller().actor, name)
    return get_person(name)


@operation(
    "GET",
    "/audit",
    tag="site",
    action=Action.AUDIT_READ,
    answers={200: Reply(told.AuditList, "A page of it.", {"Link": "The next page."})},
)
def list_audit(query: AuditQuery) -> Answer:
    """List the entries of the audit log, newest first."""
    wanted = AuditFilter(
        person=query.person or "",
        action=query.action or "",
        subject=query.subject or "",
        refused_only=query.refused,
        since=query.since,
        until=query.until,
        key=query.key or "",
    )
    before = decode_cursor(query.cursor, tuple[int])[0] if query.cursor else None
    found = services().audit_log.page(wanted, before=before, size=query.limit)
    cursor = encode_cursor(found.older) if found.older is not None else None
    page = told.AuditList(entries=[_entry(line) for line in found.lines], next_cursor=cursor)
    return Answer(page, headers=next_link(cursor))


def _key(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "prefix": row.prefix,
        "name": row.name,
        "scopes": row.scopes,
        "person": row.person.name,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "last_used_from": row.last_used_from,
    }


def _new_key(row: ApiKey, text: str | None) -> Answer:
    value = told.NewKey(**_key(row), key=text)
    return Answer(value, HTTPStatus.CREATED, reference=str(row.id))


def _person(row: Person) -> told.Person:
    return told.Person(
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        suspended_at=row.suspended_at,
        max_sessions=row.max_desktops,
    )


def _made_person(name: str) -> Answer:
    value = _person(services().accounts.person(name))
    where = url_for("api.get_person", name=name)
    return Answer(value, HTTPStatus.CREATED, {"Location": where}, reference=name)


def _entry(line: AuditLine) -> told.AuditEntry:
    return told.AuditEntry(
        id=line.id,
        at=line.at,
        action=line.action,
        is_refused=line.is_refused,
        reason=line.reason,
        person=line.person,
        role=line.role,
        key=line.key_prefix,
        source_address=line.source_address,
        subject_kind=line.subject_kind,
        subject=line.subject,
        detail=english_detail(line),
        times=line.times,
        last_at=line.last_at,
    )
