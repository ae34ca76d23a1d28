"""Sessions as JSON: what a program sends to get one, and what it is told about them."""

import re
from typing import Annotated, ClassVar

from msgspec import Meta

from webapp.api.framework.paging import PageQuery
from webapp.api.framework.schema import LEFT_OUT, Moment, Sent, SessionId, Told, Unset
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


class SessionWish(Sent):
    """A desktop that somebody wants; nothing must be chosen."""

    NOT_BOTH: ClassVar = ("duration_hours", "duration_minutes")

    template: TemplateName | Unset = LEFT_OUT
    """The first one by name when it is left out."""
    duration_hours: (
        Annotated[float, Meta(gt=0, le=720, description="How long; or `duration_minutes`.")] | Unset
    ) = LEFT_OUT
    duration_minutes: Minutes | Unset = LEFT_OUT
    rdp_username: Username | Unset = LEFT_OUT
    keyboard_layout: Layout | Unset = LEFT_OUT
    reuse: bool = False
    """Where a desktop of this template runs already: that one, instead of a second."""
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
    """Which sessions are listed."""

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
    """Only one's own; an administrator sees everybody's otherwise."""
    sort: Order = Order.LAUNCHED
    descending: bool = True


class Extension(Sent):
    """How much longer."""

    minutes: Minutes


class ClosingChoice(Sent):
    """What a page that shows the desktop means when it closes."""

    end_on_close: bool


class TicketWish(Sent):
    """How the connection is opened."""

    keyboard_layout: Layout = "us"


class SessionLinks(Told):
    """Where to go on from a session."""

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
    """Server-sent events: the gateway answers there."""


class Step(Told):
    """One step of making a desktop."""

    name: str
    words: str
    is_done: bool
    is_running: bool


class Progress(Told):
    """How far a launch is."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    elapsed_seconds: Annotated[int, Meta(ge=0)]
    usual_seconds: int | None
    """What it took lately; null before the first."""
    steps: list[Step]


class Session(Told):
    """A desktop that somebody launched."""

    session_sub: SessionId
    status: State
    template: TemplateName
    owner: str
    fqdn: str | None
    """Where an RDP program finds it: the address, as long as desktops have no names."""
    address: str | None
    port: int
    rdp_username: str
    keyboard_layout: str
    launched_at: Moment
    ready_at: Moment | None
    expires_at: Moment | None
    paused_until: Moment | None
    """How long it is kept paused; null while its time runs."""
    ended_at: Moment | None
    end_reason: EndReason | None
    end_on_close: bool
    links: SessionLinks


class SessionDetail(Session):
    """One session, with how far its launch is."""

    progress: Progress | None
    """Null unless it is being made."""


class LaunchedSession(SessionDetail):
    """What a launch answers."""

    rdp_password: str | None
    """Null until it is ready; then `credentials` tells it."""
    is_reused: bool
    """Whether it ran already."""


class SessionList(Told):
    """A page of sessions."""

    sessions: list[Session]
    next_cursor: str | None


class Credentials(Told):
    """How to open a desktop. A secret."""

    session_sub: SessionId
    fqdn: str
    address: str
    port: int
    rdp_username: str
    rdp_password: str


class Ticket(Told):
    """The right to open one connection in a browser. A secret of 30 seconds."""

    ticket: str
    gateway_url: str
    expires_at: Moment
    clipboard_in: bool
    clipboard_out: bool


class Heartbeat(Told):
    """What a page that shows a desktop needs to know again and again."""

    status: State
    now: Moment
    expires_at: Moment | None
    idle_ends_at: Moment | None
    """When it ends for lack of input; null: never."""
    is_idle_soon: bool
    end_on_close: bool
