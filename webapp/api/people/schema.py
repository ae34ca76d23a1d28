"""The JSON of people, their keys and the audit log."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from webapp.api.framework.paging import PageQuery
from webapp.api.framework.schema import LEFT_OUT, Moment, RequestBody, ResponseBody, Unset
from webapp.domain.people.keys import Scope
from webapp.domain.people.passwords import LONGEST, SHORTEST
from webapp.domain.people.roles import Role

PersonName = Annotated[
    str, Meta(max_length=64, description="What they sign in with.", examples=["alice"])
]
KeyId = Annotated[int, Meta(ge=1, le=2_147_483_647)]


class PersonRequest(RequestBody):
    """A request to add a person."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$", examples=["alice"])]
    password: Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST)]
    role: Role = Role.PERSON


class RoleRequest(RequestBody):
    """A request to change a person's role."""

    role: Role


class Person(ResponseBody):
    """An account."""

    name: str
    role: Role
    created_at: Moment
    suspended_at: Moment | None
    max_sessions: int | None
    """Null for the limit of the site."""


class PersonList(ResponseBody):
    """A page of people, by name."""

    people: list[Person]
    next_cursor: str | None


class Me(ResponseBody):
    """The caller and its scopes."""

    name: str
    scopes: list[Scope]
    """Of the key, or of the sign-in."""
    key: int | None
    """The key's id; null for a sign-in."""


class KeyRequest(RequestBody):
    """A request to make an API key."""

    name: Annotated[str, Meta(min_length=1, max_length=64, examples=["course platform"])]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=3)]
    expires_at: (
        Annotated[
            datetime,
            Meta(tz=True, description="In the future.", examples=["2099-12-31T00:00:00Z"]),
        ]
        | Unset
        | None
    ) = LEFT_OUT
    """Null: never. Left out: the site's default, by default in 90 days."""


class PasswordProof(RequestBody):
    """The person's password, to confirm who is at the browser. A secret."""

    password: Annotated[str, Meta(max_length=LONGEST)]


class Key(ResponseBody):
    """An API key, without its text."""

    id: KeyId
    prefix: str
    """The beginning of its text, after `wx_`."""
    name: str
    scopes: list[Scope]
    person: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    last_used_from: str | None


class NewKey(Key):
    """A new key. A secret."""

    key: str | None
    """The text, which is returned only once; null in the answer to a repeated request."""


class KeyList(ResponseBody):
    """The caller's keys that are not revoked, newest first."""

    keys: list[Key]


class AuditQuery(PageQuery):
    """A filter of audit entries."""

    person: Annotated[str, Meta(max_length=64)] | None = None
    """Name of the person who acted."""
    action: Annotated[str, Meta(max_length=40, examples=["desktop.launch"])] | None = None
    """An action, or the noun before its dot for all actions of that noun."""
    subject: Annotated[str, Meta(max_length=80, examples=["desktop-1a2b3c4d"])] | None = None
    refused: bool = False
    """Only refusals."""
    since: Moment | None = None
    until: Moment | None = None
    key: Annotated[str, Meta(max_length=8, description="Prefix of a key.")] | None = None


class AuditEntry(ResponseBody):
    """One audit entry: an action or a refusal."""

    id: int
    at: Moment
    action: str
    is_refused: bool
    reason: str | None
    person: str | None
    """Null for Winux itself, or a command on the portal's machine."""
    role: str | None
    key: str | None
    """The prefix of the API key that was used."""
    source_address: str | None
    subject_kind: str
    subject: str
    detail: str
    times: int
    """The number of times: repeats of a refusal within a few minutes share one entry."""
    last_at: Moment | None
    """The time of the last repeat, if any; `at` is the first time."""


class AuditList(ResponseBody):
    """A page of the audit log, newest first."""

    entries: list[AuditEntry]
    next_cursor: str | None
