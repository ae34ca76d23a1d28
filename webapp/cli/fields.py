"""The fields that commands print about each kind of thing, on the portal's machine and with --url.

One table for each kind. A field has its name, the API's name for it, and how a command on the
machine reads its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from webapp.domain.connections.rdp_file import RDP_PORT
from webapp.domain.desktops.host_names import fqdn_of
from webapp.texts.sentences import stored_message

if TYPE_CHECKING:  # commands for another portal load neither the database's code nor the services
    from webapp.models import ApiKey, Desktop, Person, Template
    from webapp.services.audit.log import AuditLine
    from webapp.services.connections.connections import ConnectionView
    from webapp.services.desktops.gate import Gate
    from webapp.services.desktops.views import Offer
    from webapp.services.pool.plan import PoolView

T = TypeVar("T")


@dataclass(frozen=True)
class Field(Generic[T]):
    """One field: its value here, and its name in the API if that differs."""

    name: str
    value: Callable[[T], object]
    in_api: str = ""

    @property
    def member(self) -> str:
        return self.in_api or self.name


Fields = Sequence[Field[T]]


def row_here(fields: Fields[T], thing: T) -> dict[str, object]:
    """Return the fields of something that was read from the database."""
    return {field.name: field.value(thing) for field in fields}


def row_there(fields: Fields[T], answer: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of something that the API returned, then its other members, such as links.

    A member that the API omits has no value.
    """
    known = {field.member for field in fields}
    more = {name: value for name, value in answer.items() if name not in known}
    return {field.name: answer.get(field.member) for field in fields} | more


def only(row: Mapping[str, object], columns: Sequence[str]) -> dict[str, object]:
    """Return these columns of a row, for a table that people read."""
    return {name: row[name] for name in columns}


def desktop_fields(domain: str = "") -> Fields[Desktop]:
    """Return the fields of a desktop; `domain` is WINUX_DESKTOP_DOMAIN."""
    return (
        Field("id", lambda one: one.public_id, "session_sub"),
        Field("state", lambda one: one.state.value, "status"),
        Field("owner", lambda one: one.owner.name if one.owner else ""),
        Field("template", lambda one: one.template.name),
        Field("address", lambda one: one.address),
        Field("fqdn", lambda one: fqdn_of(one.public_id, domain)),
        Field("port", lambda _: RDP_PORT),
        Field("rdp_username", lambda one: one.rdp_username),
        Field("keyboard_layout", lambda one: one.keyboard_layout),
        Field("launched_at", lambda one: one.asked_at),
        Field("ready_at", lambda one: one.ready_at),
        Field("deadline_at", lambda one: one.deadline_at, "expires_at"),
        Field("kept_until", lambda one: one.paused_until, "paused_until"),
        Field("ended_at", lambda one: one.ended_at),
        Field("end_reason", lambda one: one.end_reason and one.end_reason.value),
        Field("end_on_close", lambda one: one.end_on_close),
    )


DESKTOP_COLUMNS = ("id", "state", "owner", "template", "address", "launched_at", "deadline_at")

CONNECTION: Fields[ConnectionView] = (
    Field("id", lambda one: one.public_id, "connection"),
    Field("person", lambda one: one.person),
    Field("target", lambda one: one.target.id),
    Field("target_kind", lambda one: one.target.kind.value),
    Field("desktop", lambda one: one.desktop_id, "session_sub"),
    Field("protocol", lambda one: one.protocol.value),
    Field("door", lambda one: one.door.value),
    Field("source_address", lambda one: one.source_address),
    Field("client", lambda one: one.browser),
    Field("started_at", lambda one: one.started_at),
    Field("last_input_at", lambda one: one.last_input_at),
    Field("ended_at", lambda one: one.ended_at),
    Field("end", lambda one: one.end_reason and one.end_reason.value),
    Field("bytes_up", lambda one: one.bytes_up),
    Field("bytes_down", lambda one: one.bytes_down),
    Field("cpu_ms", lambda one: one.cpu_ms),
    Field("was_slowed", lambda one: one.was_slowed),
)
OPEN_COLUMNS = (
    "person", "target", "protocol", "door", "source_address", "started_at", "last_input_at", "id",
)  # fmt: skip
ENDED_COLUMNS = (
    "person", "target", "protocol", "source_address", "started_at", "ended_at", "end", "id",
)  # fmt: skip

PERSON: Fields[Person] = (
    Field("name", lambda one: one.name),
    Field("role", lambda one: one.role.value),
    Field("created_at", lambda one: one.created_at),
    Field("suspended_at", lambda one: one.suspended_at),
    Field("max_desktops", lambda one: one.max_desktops, "max_sessions"),
)

KEY: Fields[ApiKey] = (
    Field("id", lambda one: one.id),
    Field("prefix", lambda one: one.prefix),
    Field("person", lambda one: one.person.name),
    Field("name", lambda one: one.name),
    Field("scopes", lambda one: list(one.scopes)),
    Field("created_at", lambda one: one.created_at),
    Field("last_used_at", lambda one: one.last_used_at),
    Field("last_used_from", lambda one: one.last_used_from),
    Field("expires_at", lambda one: one.expires_at),
)

POOL: Fields[PoolView] = (
    Field("template", lambda one: one.template.name),
    Field("warm", lambda one: len(one.warm)),
    Field("making", lambda one: len(one.making)),
    Field("wanted", lambda one: one.size.desktops),
    Field("minimum", lambda one: one.template.pool.minimum),
    Field("target", lambda one: one.template.pool.target),
    Field("maximum", lambda one: one.template.pool.maximum),
    Field("follows_demand", lambda one: one.template.pool.follows_demand),
    Field("schedules", lambda one: len(one.schedules)),
    Field("resting_until", lambda one: one.resting_until),
    Field("why", lambda one: one.size.why.value),
)

AUDIT: Fields[AuditLine] = (
    Field("id", lambda one: one.id),
    Field("at", lambda one: one.at),
    Field("action", lambda one: one.action),
    Field("is_refused", lambda one: one.is_refused),
    Field("reason", lambda one: one.reason),
    Field("person", lambda one: one.person),
    Field("role", lambda one: one.role),
    Field("key", lambda one: one.key_prefix),
    Field("source_address", lambda one: one.source_address),
    Field("subject_kind", lambda one: one.subject_kind),
    Field("subject", lambda one: one.subject),
    Field("detail", lambda one: stored_message(one.refusal) if one.refusal else one.detail),
    Field("times", lambda one: one.times),
    Field("last_at", lambda one: one.last_at),
)
AUDIT_COLUMNS = ("at", "person", "action", "subject", "reason", "detail", "source_address")


@dataclass(frozen=True)
class TemplateRow:
    """A template, and what is known of its launches if it can be launched."""

    template: Template
    offer: Offer | None
    gate: Gate | None


TEMPLATE: Fields[TemplateRow] = (
    Field("name", lambda one: one.template.name),
    Field("title", lambda one: one.template.title),
    Field("summary", lambda one: one.template.summary),
    Field("version", lambda one: one.template.version),
    Field("desktop_environment", lambda one: one.template.desktop_environment),
    Field("memory_mb", lambda one: one.template.memory_mb),
    Field("cores", lambda one: one.template.cores),
    Field("disk_gb", lambda one: one.template.disk_gb),
    Field("default_minutes", lambda one: one.template.default_minutes),
    Field("max_minutes", lambda one: one.template.max_minutes),
    Field("max_per_person", lambda one: one.template.max_per_person),
    Field("ready_at_once", lambda one: one.offer.warm if one.offer else 0),
    Field("usual_seconds", lambda one: _usual_seconds(one.offer)),
    Field("rests_until", lambda one: one.gate.rest.until if one.gate and one.gate.rest else None),
)
TEMPLATE_COLUMNS = (
    "name", "title", "version", "memory_mb", "cores", "default_minutes", "ready_at_once",
)  # fmt: skip


def _usual_seconds(offer: Offer | None) -> int | None:
    return int(offer.usual.total_seconds()) if offer and offer.usual else None
