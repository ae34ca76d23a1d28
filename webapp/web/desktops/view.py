"""One desktop as the pages show it: texts, colours, icons and numbers, from its row."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import url_for

from webapp.domain.connections.rdp_file import RDP_PORT
from webapp.domain.desktops.host_names import fqdn_of
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.desktops.pauses import NOT_RESUMED, may_pause, time_left
from webapp.domain.provisioning import clone_queue
from webapp.domain.states import AT_REST, HOLDS_RESOURCES, EndReason, Event, State, can
from webapp.models import Desktop, Template
from webapp.web.desktops.build_progress import BuildProgress
from webapp.web.desktops.desktop_history import HistoryEntry
from webapp.web.language import _, lazy_gettext
from webapp.web.words import clock_face, cores, disk, exactly, memory, precise, short

#: With less time left than this, the page warns of the end.
ENDING_SOON = timedelta(minutes=5)
#: Pictures of desktop environments, below static/img; all others share one drawing.
PICTURES = {"xfce": "desktop-xfce.webp"}
#: Seconds between a page's updates, by state; pages of other states do not update.
POLL_SECONDS = {
    State.QUEUED: 1,
    State.BUILDING: 1,
    State.ASSIGNING: 1,
    State.READY: 10,
    State.PAUSING: 1,
    State.PAUSED: 10,
    State.RESUMING: 1,
    State.FAILED: 2,
    State.STOPPING: 2,
}


@dataclass(frozen=True)
class StateStyle:
    """The word, colour and icon of a state."""

    word: str
    tone: str
    icon: str


@dataclass(frozen=True)
class TimeLeft:
    """The time left of a ready desktop."""

    deadline_at: datetime
    left: timedelta
    whole: timedelta

    @property
    def text(self) -> str:
        return clock_face(self.left)

    @property
    def whole_seconds(self) -> int:
        return int(self.whole.total_seconds())

    @property
    def percent(self) -> int:
        return max(0, min(100, round(100 * (self.left / self.whole)))) if self.whole else 0

    @property
    def tone(self) -> str:
        if self.left < timedelta(minutes=1):
            return "bad"
        return "warn" if self.left < ENDING_SOON else "good"


@dataclass(frozen=True)
class Connect:
    """What an RDP client needs, without the password."""

    computer: str
    username: str
    fingerprint: str


_STYLES = {
    State.QUEUED: (lazy_gettext("Waiting"), "busy", "clock"),
    State.BUILDING: (lazy_gettext("Being made"), "busy", "spinner"),
    State.ASSIGNING: (lazy_gettext("Being made"), "busy", "spinner"),
    State.WARM: (lazy_gettext("In the pool"), "still", "circle"),
    State.READY: (lazy_gettext("Ready"), "good", "check-circle"),
    State.PAUSING: (lazy_gettext("Being paused"), "busy", "spinner"),
    State.PAUSED: (lazy_gettext("Paused"), "still", "pause"),
    State.RESUMING: (lazy_gettext("Being resumed"), "busy", "spinner"),
    State.FAILED: (lazy_gettext("Failed"), "bad", "alert"),
    State.STOPPING: (lazy_gettext("Stopping"), "still", "stopping"),
    State.ENDED: (lazy_gettext("Ended"), "still", "square"),
}
_HEADLINES = {
    State.QUEUED: lazy_gettext("Your desktop is waiting in the queue"),
    State.BUILDING: lazy_gettext("Your desktop is being made"),
    State.ASSIGNING: lazy_gettext("Your desktop is being made"),
    State.WARM: lazy_gettext("It waits in the pool"),
    State.READY: lazy_gettext("Your desktop is ready"),
    State.PAUSING: lazy_gettext("Your desktop is being paused"),
    State.PAUSED: lazy_gettext("Your desktop is paused"),
    State.RESUMING: lazy_gettext("Your desktop is being resumed"),
    State.FAILED: lazy_gettext("Your desktop could not be made"),
    State.STOPPING: lazy_gettext("Your desktop is being removed"),
    State.ENDED: lazy_gettext("This desktop has ended"),
}
_LEAVE = lazy_gettext("You can leave this page; the work continues.")
_SENTENCES = {
    State.QUEUED: _LEAVE,
    State.BUILDING: _LEAVE,
    State.ASSIGNING: _LEAVE,
    State.WARM: _LEAVE,
    State.READY: lazy_gettext("Open it here, or with any RDP client: the details are below."),
    State.PAUSING: lazy_gettext("Its programs end, and its files are kept."),
    State.PAUSED: lazy_gettext("Its files and its remaining time are kept."),
    State.RESUMING: _LEAVE,
    State.STOPPING: lazy_gettext("Everything in it is erased."),
}
_ENDINGS = {
    EndReason.ASKED: lazy_gettext("You stopped it."),
    EndReason.EXPIRED: lazy_gettext("Its time was up."),
    EndReason.IDLE: lazy_gettext("It was not used for a while."),
    EndReason.POLICY: lazy_gettext("A rule of this site ended it."),
    EndReason.ADMIN: lazy_gettext("An administrator stopped it."),
    EndReason.LOST: lazy_gettext("It disappeared from the server."),
    EndReason.FAILED: lazy_gettext("It failed."),
}
_NO_ROOM = lazy_gettext("This site has no room for another desktop. Try again when one has ended.")
#: The owner's text for each failure reason; only administrators see the details.
_FAILURES = {
    clone_queue.LOCKED: lazy_gettext(
        "The servers that run the desktops are too busy. Try again in a few minutes."
    ),
    clone_queue.UNREACHABLE: lazy_gettext(
        "The servers that run the desktops do not answer. Try again in a few minutes."
    ),
    clone_queue.INTERRUPTED: lazy_gettext(
        "The build was interrupted several times by faults of this site. Try again in a few "
        "minutes."
    ),
    clone_queue.REFUSED: lazy_gettext(
        "This site must be repaired first; trying again now will probably not "
        "help. The people who run it can see the cause."
    ),
    clone_queue.BAD_INPUT: lazy_gettext(
        "The desktop does not accept the chosen user name. Launch it again with another one."
    ),
    "no_vmid": _NO_ROOM,
    "no_address": _NO_ROOM,
}
_FAILED = lazy_gettext("Something on this site failed. You can try again now.")


@dataclass(frozen=True)
class DesktopView:
    """A desktop's row with the values that the templates show, at the time `now`."""

    row: Desktop
    now: datetime
    build: BuildProgress | None = None
    activity: list[HistoryEntry] = field(default_factory=list)
    domain: str = ""
    """The domain of the desktops' names; empty: they have none."""

    @property
    def id(self) -> str:
        return self.row.public_id

    @property
    def fqdn(self) -> str | None:
        return fqdn_of(self.id, self.domain)

    @property
    def url(self) -> str:
        return url_for("desktops.show", public_id=self.id)

    @property
    def admin_url(self) -> str:
        return url_for("admin.desktop", public_id=self.id)

    @property
    def picture(self) -> str:
        return picture_of(self.row.template)

    @property
    def title(self) -> str:
        return self.row.template.title

    @property
    def owner(self) -> str:
        """The owner's name; a pool desktop has no owner yet."""
        return self.row.owner.name if self.row.owner else _("none (pool)")

    @property
    def is_marked(self) -> bool:
        """Whether the desktop failed to answer its last check properly; for administrators."""
        return self.row.guest_failures > 0 and self.row.state in HOLDS_RESOURCES

    @property
    def look(self) -> StateStyle:
        if self.has_failed and self.row.state in {State.STOPPING, State.ENDED}:
            return _look(State.FAILED)
        return _look(self.row.state)

    @property
    def headline(self) -> str:
        if self.has_failed and self.row.ready_at:
            return _("Your desktop failed")
        return str(_HEADLINES[State.FAILED if self.has_failed else self.row.state])

    @property
    def sentence(self) -> str:
        """What the state means to the person, in one sentence."""
        match self.row.state:
            case _ if self.has_failed:
                if self.row.ready_at is None:
                    return _("Its unfinished container is removed. Nothing of yours was in it yet.")
                return _("The desktop and everything in it are lost. We are sorry.")
            case State.READY if self.is_ending_soon:
                return _("It ends in less than five minutes. Save your work, or extend it.")
            case State.PAUSED if self.row.failure_reason == NOT_RESUMED:
                return _("It could not be resumed. Nothing in it is lost: try again in a while.")
            case state:
                return str(_SENTENCES[state]) if state in _SENTENCES else self.ending

    @property
    def ending(self) -> str:
        """Why the desktop ended; empty if it has not."""
        reason = self.row.end_reason
        if reason is EndReason.ASKED and self.row.ready_at is None:
            return _("Cancelled before it was ready.")
        if reason is EndReason.FAILED and self.row.ready_at is None:
            return _("It could not be made.")
        if reason is EndReason.EXPIRED and self.row.paused_at:
            return _("It was paused for longer than paused desktops are kept.")
        return str(_ENDINGS[reason]) if reason else ""

    @property
    def ending_for_admin(self) -> str:
        """`ending` in words for administrators."""
        if self.row.end_reason is EndReason.ASKED:
            return _("Its owner stopped it.")
        return self.ending

    @property
    def is_ready(self) -> bool:
        return self.row.state is State.READY

    @property
    def is_moving(self) -> bool:
        return self.row.state in {State.QUEUED, State.BUILDING, State.ASSIGNING}

    @property
    def is_paused(self) -> bool:
        return self.row.state is State.PAUSED

    @property
    def is_at_rest(self) -> bool:
        """Whether it is paused, pausing or resuming; its time left does not count down."""
        return self.row.state in AT_REST

    @property
    def is_on_the_way(self) -> bool:
        """Whether a launch, pause or resume is under way, of which a page shows the progress."""
        return self.is_moving or (self.is_at_rest and not self.is_paused)

    @property
    def can_pause(self) -> bool:
        return self.is_ready and may_pause(self.row.template.max_pause_minutes)

    @property
    def can_resume(self) -> bool:
        """Whether it can be resumed; also true if a pause has failed at least once."""
        is_stuck = self.row.state is State.PAUSING and self.row.attempts > 0
        return self.is_paused or is_stuck

    @property
    def kept_until(self) -> datetime | None:
        """Until when a paused desktop is kept, or would be kept if it were paused now."""
        if self.is_at_rest:
            return self.row.paused_until
        minutes = self.row.template.max_pause_minutes
        return self.now + timedelta(minutes=minutes) if minutes else None

    @property
    def left_then(self) -> str:
        """The time left that a paused desktop will have when it is ready again."""
        row = self.row
        return (
            clock_face(time_left(row.deadline_at, row.paused_at, self.now))
            if (self.is_at_rest and row.deadline_at)
            else ""
        )

    @property
    def loss(self) -> str:
        """What stopping it loses."""
        if self.is_ready:
            return _("Unsaved files in it are lost.")
        if self.is_at_rest:
            return _("Its files are erased.")
        return _("It is still being made, so nothing is lost yet.")

    @property
    def is_over(self) -> bool:
        return self.row.state is State.ENDED

    @property
    def has_failed(self) -> bool:
        return self.row.state is State.FAILED or self.row.end_reason is EndReason.FAILED

    @property
    def failure(self) -> str:
        """The text to the owner about the failure, and what to do."""
        return str(_FAILURES.get(self.row.failure_reason or "", _FAILED))

    @property
    def can_stop(self) -> bool:
        return can(self.row.state, Event.STOP_REQUESTED) and self.row.state is not State.FAILED

    @property
    def poll_seconds(self) -> int:
        return POLL_SECONDS.get(self.row.state, 0)

    @property
    def left(self) -> TimeLeft | None:
        row = self.row
        if not (self.is_ready and row.deadline_at and row.ready_at):
            return None
        whole = row.deadline_at - (row.life_from or row.ready_at)
        return TimeLeft(row.deadline_at, row.deadline_at - self.now, whole)

    @property
    def is_ending_soon(self) -> bool:
        return self.left is not None and self.left.left < ENDING_SOON

    @property
    def extend_minutes(self) -> int:
        """The minutes that *Extend* adds; 0 if the desktop has the longest allowed time."""
        row = self.row
        if not (self.is_ready and row.deadline_at and row.ready_at):
            return 0
        latest = (row.life_from or row.ready_at) + timedelta(minutes=row.template.max_minutes)
        room = int((latest - row.deadline_at).total_seconds() // 60)
        return max(0, min(room, row.template.default_minutes))

    @property
    def connect(self) -> Connect:
        return Connect(
            computer=f"{self.fqdn or self.row.address}:{RDP_PORT}",
            username=self.row.rdp_username,
            fingerprint=self.row.rdp_certificate_sha256 or "",
        )

    @property
    def size(self) -> str:
        template = self.row.template
        parts = (
            _("%(size)s memory", size=memory(template.memory_mb)),
            cores(template.cores),
            _("%(size)s disk", size=disk(template.disk_gb)),
        )
        return " · ".join(parts)

    @property
    def traits(self) -> list[tuple[str, str]]:
        """Size, settings and times, for the owner."""
        template = self.row.template
        traits = [
            (_("Memory"), memory(template.memory_mb)),
            (_("Processor"), cores(template.cores)),
            (_("Disk"), disk(template.disk_gb)),
            (_("Keyboard"), self.keyboard),
            (_("Ready in"), self.ready_in),
            (_("Ran for"), self.lived if self.is_over else ""),
        ]
        return [(title, value) for title, value in traits if value]

    @property
    def place(self) -> str:
        """Node and VM id, for administrators."""
        return " / ".join(str(part) for part in (self.row.node, self.row.vmid) if part)

    @property
    def again_token(self) -> str:
        """A launch token: *Try again* of a failed desktop launches once, however often clicked."""
        return f"again-{self.id}"

    @property
    def admin_sentence(self) -> str:
        """The state in one sentence, for administrators."""
        if self.row.state in {State.STOPPING, State.ENDED}:
            return self.ending_for_admin
        return _("In this state for %(time)s.", time=short(self.now - self.row.state_at))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """All details, for administrators."""
        row = self.row
        facts = [
            (_("Person"), self.owner),
            (_("Template"), f"{row.template.name} {row.template_version or row.template.version}"),
            (_("Node and VM id"), self.place),
            (_("Name in DNS"), self.fqdn or ""),
            (_("Address"), row.address or ""),
            (_("Size"), self.size),
            (_("Keyboard"), self.keyboard),
            (_("User name in the desktop"), row.rdp_username),
            (_("Launched"), exactly(row.asked_at)),
            (_("Ready after"), self.ready_in),
            (_("Paused since"), exactly(row.paused_at) if row.paused_at else ""),
            (_("Kept until"), exactly(row.paused_until) if row.paused_until else ""),
            (_("Ran for"), self.lived),
            (_("Why it ended"), self.ending_for_admin),
            (_("Certificate (SHA-256)"), row.rdp_certificate_sha256 or ""),
            (_("SSH host key (SHA-256)"), row.ssh_host_key_sha256 or ""),
            (_("Worked on by"), row.worked_by or ""),
            (_("Last invalid answer"), row.guest_trouble or ""),
            (_("Consecutive invalid answers"), str(row.guest_failures or "")),
            (_("Next query"), exactly(row.ask_again_at) if row.ask_again_at else ""),
        ]
        return [(title, value) for title, value in facts if value]

    @property
    def keyboard(self) -> str:
        return _(KEYBOARD_LAYOUTS.get(self.row.keyboard_layout, self.row.keyboard_layout))

    @property
    def ready_in(self) -> str:
        """Time from the launch request to ready."""
        return precise(self.row.ready_at - self.row.asked_at) if self.row.ready_at else ""

    @property
    def lived(self) -> str:
        """Time from ready to the end, or to now."""
        if self.row.ready_at is None:
            return ""
        return short((self.row.ended_at or self.now) - self.row.ready_at)


def picture_of(template: Template) -> str:
    """Return the picture of a template's desktop, as a path below static/img."""
    return PICTURES.get(template.desktop_environment, "desktop-any.svg")


def _look(state: State) -> StateStyle:
    word, tone, icon = _STYLES[state]
    return StateStyle(str(word), tone, icon)
