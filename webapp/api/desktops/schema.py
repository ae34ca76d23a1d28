"""The JSON of sessions: request bodies, queries and responses."""

import re
from typing import Annotated, ClassVar

from msgspec import Meta

from webapp.api.framework.paging import PageQuery
from webapp.api.framework.schema import (
    LEFT_OUT,
    Moment,
    RequestBody,
    ResponseBody,
    SessionId,
    Unset,
)
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.states import EndReason, State
from webapp.services.desktops.listing import Order

TemplateName = Annotated[
    str, Meta(max_length=32, description="Name of a template.", examples=["xfce"])
]
Minutes = Annotated[int, Meta(ge=1, le=43_200, description="How long, in minutes.")]
Username = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_-]{0,30}$",
        description="User name inside the desktop; no account of the system.",
        examples=["desktop"],
    ),
]
Layout = Annotated[
    str,
    Meta(
        pattern=f"^({'|'.join(map(re.escape, KEYBOARD_LAYOUTS))})$",
        description="Keyboard layout.",
        examples=["us"],
    ),
]
Fqdn = Annotated[
    str,
    Meta(
        description="The desktop's own name in DNS.",
        examples=["desktop-1a2b3c4d.desks.example.org"],
    ),
]


class SessionRequest(RequestBody):
    """A launch request; every field is optional."""

    NOT_BOTH: ClassVar = ("duration_hours", "duration_minutes")

    template: TemplateName | Unset = LEFT_OUT
    """Default: the first template by name."""
    duration_hours: (
        Annotated[float, Meta(gt=0, le=720, description="How long; or `duration_minutes`.")] | Unset
    ) = LEFT_OUT
    duration_minutes: Minutes | Unset = LEFT_OUT
    rdp_username: Username | Unset = LEFT_OUT
    keyboard_layout: Layout | Unset = LEFT_OUT
    reuse: bool = False
    """Return the desktop of this template that already runs, if there is one."""
    make_room: (
        Annotated[
            str,
            Meta(
                pattern="^(close_oldest|close_session:desktop-[0-9a-f]{8})$",
                description="A way out of a reached limit, as `suggested_actions` names it.",
            ),
        ]
        | Unset
    ) = LEFT_OUT


class SessionQuery(PageQuery):
    """A filter and order of sessions."""

    status: (
        Annotated[
            str,
            Meta(
                pattern="^[a-z]+(,[a-z]+)*$",
                max_length=120,
                description="Only these states, with commas between.",
                examples=["ready,queued"],
            ),
        ]
        | None
    ) = None
    template: TemplateName | None = None
    owner: Annotated[str, Meta(max_length=64, description="Name of a person.")] | None = None
    mine: bool = False
    """Only the caller's own sessions; by default an administrator gets those of all people."""
    sort: Order = Order.LAUNCHED
    descending: bool = True


class Extension(RequestBody):
    """The time to add to a session."""

    minutes: Minutes


class ClosingChoice(RequestBody):
    """Whether closing the page that shows the desktop ends it."""

    end_on_close: bool


class TicketRequest(RequestBody):
    """The settings of a connection."""

    keyboard_layout: Layout = "us"


class SessionLinks(ResponseBody):
    """The URLs related to a session."""

    self: str
    page: str
    extend: str
    pause: str
    resume: str
    stop: str
    credentials: str
    tickets: str
    rdp_file: str
    heartbeat: str
    events: str
    """Server-sent events, served by the gateway."""


class Step(ResponseBody):
    """One step of making a desktop."""

    name: str
    words: str
    is_done: bool
    is_running: bool


class Progress(ResponseBody):
    """The progress of a launch, pause or resume."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    elapsed_seconds: Annotated[int, Meta(ge=0)]
    usual_seconds: int | None
    """The usual duration of recent ones; null before the first."""
    steps: list[Step]


class Session(ResponseBody, kw_only=True):
    """A launched desktop."""

    session_sub: SessionId
    status: State
    template: TemplateName
    owner: str
    fqdn: Fqdn | Unset = LEFT_OUT
    """Missing if the site gives desktops no names; use the address then."""
    address: str | None
    port: int
    rdp_username: str
    keyboard_layout: str
    launched_at: Moment
    ready_at: Moment | None
    expires_at: Moment | None
    paused_until: Moment | None
    """Until when a paused session is kept; null unless it is paused."""
    ended_at: Moment | None
    end_reason: EndReason | None
    end_on_close: bool
    links: SessionLinks


class SessionDetail(Session):
    """A session with its progress."""

    progress: Progress | None
    """Null unless a launch, pause or resume is under way."""


class LaunchedSession(SessionDetail):
    """The response to a launch."""

    rdp_password: str | None
    """Null unless the session is ready; `credentials` reveals it later."""
    is_reused: bool
    """Whether the session already ran, because of `reuse`."""


class SessionList(ResponseBody):
    """A page of sessions."""

    sessions: list[Session]
    next_cursor: str | None


class Credentials(ResponseBody, kw_only=True):
    """The address, user name and password of a desktop. A secret."""

    session_sub: SessionId
    fqdn: Fqdn | Unset = LEFT_OUT
    address: str
    port: int
    rdp_username: str
    rdp_password: str


class Ticket(ResponseBody):
    """A ticket to open one connection in a browser. A secret, valid for 30 seconds."""

    ticket: str
    gateway_url: str
    expires_at: Moment
    clipboard_in: bool
    clipboard_out: bool


class Heartbeat(ResponseBody):
    """The current state for a page that shows a desktop."""

    status: State
    now: Moment
    expires_at: Moment | None
    idle_ends_at: Moment | None
    """When the session ends for lack of input; null for never."""
    is_idle_soon: bool
    end_on_close: bool
