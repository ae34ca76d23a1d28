"""Templates, room, pools, connections, numbers and cleaning up, as JSON."""

from typing import Annotated

from msgspec import Meta

from webapp.api.framework.paging import PageQuery
from webapp.api.framework.schema import Moment, SessionId, Told
from webapp.domain.connections.rules import ConnectionEnd

ConnectionId = Annotated[
    str, Meta(pattern="^connection-[0-9a-f]{8}$", examples=["connection-1a2b3c4d"])
]
CleanupId = Annotated[str, Meta(pattern="^cleanup-[0-9a-f]{8}$", examples=["cleanup-1a2b3c4d"])]


class Template(Told):
    """What desktops are made from."""

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
    """How many launches would be ready at once, out of the pool."""
    usual_seconds: int | None
    """From request to ready, lately, where it is built; null before the first."""
    rests_until: Moment | None
    """It failed several times in a row and takes no launches until then."""


class TemplateList(Told):
    """All that can be launched, by name."""

    templates: list[Template]


class TemplateRoom(Told):
    """How many more of a template fit."""

    template: str
    fits: int | None
    """Null: nobody can see the nodes' memory."""
    waiting: int
    """Sessions that wait for a node already."""
    next_free_at: Moment | None
    ready_at_once: int


class CapacityReport(Told):
    """How many more desktops fit."""

    templates: list[TemplateRoom]


class ConnectionQuery(PageQuery):
    """Which connections are listed."""

    session_sub: SessionId | None = None
    open: bool = False
    """Only those that are open now."""


class Connection(Told):
    """One link to a session, open or over."""

    connection: ConnectionId
    session_sub: SessionId
    person: str
    protocol: str
    source_address: str
    client: str
    started_at: Moment
    ended_at: Moment | None
    end: ConnectionEnd | None
    bytes_up: int
    bytes_down: int
    cpu_ms: int
    """Processor time that the gateway spent on it."""
    was_slowed: bool
    """Whether it had to rest, since its person had used up a share of the processor."""
    last_input_at: Moment | None


class ConnectionList(Told):
    """A page of connections, newest first."""

    connections: list[Connection]
    next_cursor: str | None


class Pool(Told):
    """A template's desktops that are made ahead of need."""

    template: str
    warm: int
    making: int
    wanted: int
    why: str
    """What made the wanted size."""
    minimum: int
    target: int
    maximum: int
    follows_demand: bool
    schedules: int
    resting_until: Moment | None


class PoolList(Told):
    """The pools of all templates."""

    pools: list[Pool]


class Hour(Told):
    """What happened in one hour."""

    at: Moment
    from_pool: int
    built: int
    failed: int


class Metrics(Told):
    """The site in numbers; `/metrics` has all of them for Prometheus."""

    sessions: dict[str, int]
    """By state."""
    launches_today: int
    failures_today: int
    people: int
    connections_open: int
    hours: list[Hour]
    """The last 24, oldest first."""


class Deed(Told):
    """One thing that Winux did by itself."""

    at: Moment
    action: str
    subject: str
    detail: str


class Difference(Told):
    """A difference between database and nodes that stays for now."""

    kind: str
    vmid: int | None
    node: str | None
    session_sub: str
    due_at: Moment | None
    """When the container will be destroyed; null: never."""
    detail: str


class Cleanup(Told):
    """A round of cleaning up."""

    cleanup: CleanupId
    status: str
    """`asked`, `working`, `done`, or `trouble`: part of it could not be done."""
    asked_at: Moment
    finished_at: Moment | None
    did: list[Deed]
    """What Winux did by itself from its beginning to its end."""
    trouble: str | None
    differences: list[Difference]
    """What is known and left: too young to be destroyed, or not ours."""
