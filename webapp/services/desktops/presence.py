"""Presence at a desktop: heartbeats of its page, the closing of the page, and the idle limit.

An open page does not count as use; only input does (`domain.connections.idle_ends_at`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.connections import rules
from webapp.domain.states import State
from webapp.models import Connection, Desktop
from webapp.ports import Clock, Database
from webapp.services.audit.record import Actor, Audit
from webapp.services.desktop_access import find_desktop


@dataclass(frozen=True)
class Heartbeat:
    """The status that a desktop's page polls."""

    state: State
    deadline_at: datetime | None
    idle_ends_at: datetime | None
    """None if this desktop has no idle limit."""
    is_idle_soon: bool
    end_on_close: bool


class Presence:
    """Handles the messages of a desktop's page."""

    def __init__(self, db: Database, clock: Clock, config: Config, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit

    def heartbeat(self, actor: Actor, public_id: str) -> Heartbeat:
        """Record that the page is open. Raises NotFound unless the actor is the owner."""
        with self._db.read() as session:
            desktop = find_desktop(session, actor, Action.DESKTOP_OPEN, public_id)
            beat = self._beat(session, desktop)
        if desktop.left_at is not None:
            with self._db.begin() as session:
                find_desktop(session, actor, Action.DESKTOP_OPEN, public_id).left_at = None
        return beat

    def left(self, actor: Actor, public_id: str) -> None:
        """Record that the page was closed: the desktop ends shortly after, if the person chose so.

        A page reload sends the same message, so a heartbeat or a new ticket cancels it.
        """
        with self._db.begin() as session:
            desktop = find_desktop(session, actor, Action.DESKTOP_OPEN, public_id)
            if desktop.end_on_close and desktop.state == State.READY:
                desktop.left_at = desktop.left_at or self._clock.now()

    def choose_end_on_close(self, actor: Actor, public_id: str, *, wanted: bool) -> None:
        """Set whether closing the page ends this desktop."""
        refusals = self._audit.refusals(actor, "desktop.end_on_close", public_id)
        with refusals, self._db.begin() as session:
            desktop = find_desktop(session, actor, Action.DESKTOP_OPEN, public_id)
            if desktop.end_on_close != wanted:
                desktop.end_on_close = wanted
                choice = "yes" if wanted else "no"
                self._audit.record(session, actor, "desktop.end_on_close", public_id, choice)

    def _beat(self, session: Session, desktop: Desktop) -> Heartbeat:
        ends_at = idle_end(session, desktop, self._config)
        return Heartbeat(
            state=desktop.state,
            deadline_at=desktop.deadline_at,
            idle_ends_at=ends_at,
            is_idle_soon=rules.is_idle_soon(ends_at, self._clock.now()),
            end_on_close=desktop.end_on_close,
        )


def idle_limit_minutes(desktop: Desktop, config: Config) -> int:
    """The idle limit of a desktop in minutes: its template's, or else the site's; 0: none."""
    own = desktop.template.idle_minutes
    return config.idle_minutes if own is None else own


def idle_end(session: Session, desktop: Desktop, config: Config) -> datetime | None:
    """When a desktop ends for lack of input; None if it is not ready or has no idle limit."""
    if desktop.state != State.READY or desktop.ready_at is None:
        return None
    last = session.scalar(
        select(func.max(func.coalesce(Connection.last_input_at, Connection.started_at))).where(
            _of(desktop)
        ),
    )
    newest = max(filter(None, (last, desktop.input_at)), default=None)
    begin = desktop.unused_from or desktop.ready_at
    return rules.idle_ends_at(idle_limit_minutes(desktop, config), begin, newest)


def _of(desktop: Desktop) -> ColumnElement[bool]:
    return Connection.desktop_id == desktop.id
