"""The JSON of templates, capacity, pools, connections, metrics and cleanup."""

from typing import Annotated

from msgspec import Meta

from webapp.api.framework.paging import PageQuery
from webapp.api.framework.schema import Moment, ResponseBody, SessionId
from webapp.domain.connections.rules import ConnectionEnd
from webapp.domain.connections.target import Door, Protocol, TargetKind

ConnectionId = Annotated[
    str, Meta(pattern="^connection-[0-9a-f]{8}$", examples=["connection-1a2b3c4d"])
]
CleanupId = Annotated[str, Meta(pattern="^cleanup-[0-9a-f]{8}$", examples=["cleanup-1a2b3c4d"])]


class Template(ResponseBody):
    """A template of desktops."""

    name: str
    title: str
    summary: str
    version: str
    desktop_environment: str
    memory_mb: int
    cores: int
    disk_gb: int
    default_minutes: int
    max_minutes: int
    max_per_person: int | None
    ready_at_once: int
    """The number of launches that the pool can make ready at once."""
    usual_seconds: int | None
    """Recent time from request to ready if it is built; null before the first."""
    rests_until: Moment | None
    """After several failures in a row: no launches are accepted until then."""


class TemplateList(ResponseBody):
    """All templates that can be launched, by name."""

    templates: list[Template]


class TemplateRoom(ResponseBody):
    """How many more of a template fit."""

    template: str
    fits: int | None
    """Null if the memory of the nodes is unknown."""
    waiting: int
    """The number of sessions that already wait for a node."""
    next_free_at: Moment | None
    ready_at_once: int


class CapacityReport(ResponseBody):
    """How many more desktops fit."""

    templates: list[TemplateRoom]


class ConnectionQuery(PageQuery):
    """A filter of connections."""

    session_sub: SessionId | None = None
    open: bool = False
    """Only those that are open now."""


class Connection(ResponseBody):
    """One connection to a session or another target, open or ended."""

    connection: ConnectionId
    target: str
    """The public id of the target."""
    target_kind: TargetKind
    session_sub: SessionId | None
    """The target, if it is a session."""
    person: str
    protocol: Protocol
    door: Door
    """The way in; one protocol may be carried through several doors."""
    source_address: str
    client: str
    started_at: Moment
    ended_at: Moment | None
    end: ConnectionEnd | None
    bytes_up: int
    bytes_down: int
    cpu_ms: int
    """Processor time that the gateway has used for it."""
    was_slowed: bool
    """Whether it was throttled because its person had used up a share of the processor."""
    last_input_at: Moment | None


class ConnectionList(ResponseBody):
    """A page of connections, newest first."""

    connections: list[Connection]
    next_cursor: str | None


class Pool(ResponseBody):
    """The pool of a template: desktops that are made ahead of need."""

    template: str
    warm: int
    making: int
    wanted: int
    why: str
    """The reason for the wanted size."""
    minimum: int
    target: int
    maximum: int
    follows_demand: bool
    schedules: int
    resting_until: Moment | None


class PoolList(ResponseBody):
    """The pools of all templates."""

    pools: list[Pool]


class Hour(ResponseBody):
    """What happened in one hour."""

    at: Moment
    from_pool: int
    built: int
    failed: int


class Metrics(ResponseBody):
    """The numbers of the site; `/metrics` has all of them for Prometheus."""

    sessions: dict[str, int]
    """By state."""
    launches_today: int
    failures_today: int
    people: int
    connections_open: int
    hours: list[Hour]
    """The last 24, oldest first."""


class CleanupAction(ResponseBody):
    """One action that Winux took by itself."""

    at: Moment
    action: str
    subject: str
    detail: str


class Difference(ResponseBody):
    """A difference between database and nodes that remains for now."""

    kind: str
    vmid: int | None
    node: str | None
    session_sub: str
    due_at: Moment | None
    """When the container will be destroyed; null for never."""
    detail: str


class Cleanup(ResponseBody):
    """A cleanup and its result."""

    cleanup: CleanupId
    status: str
    """`asked`, `working`, `done`, or `trouble` if part of it failed."""
    asked_at: Moment
    finished_at: Moment | None
    did: list[CleanupAction]
    """The actions of Winux from the start to the end of the cleanup."""
    trouble: str | None
    differences: list[Difference]
    """Known differences that remain: too young to be destroyed, or not of this portal."""
