"""Pause and resume requests, and the end of desktops that were paused for too long.

A worker carries them out: `webapp/services/provisioning/pause.py` shuts the container down,
`resume.py` starts it again.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.desktops import pauses as rules
from webapp.domain.states import EndReason, Event, State, advance
from webapp.models import Desktop
from webapp.ports import Clock, Database
from webapp.services.audit.record import SYSTEM, Actor, Audit
from webapp.services.desktop_access import find_desktop
from webapp.services.desktop_end import request_end
from webapp.services.desktops.lifetime import AT_ONCE
from webapp.services.nodes.cluster import read_cluster

log = logging.getLogger(__name__)


class Pauses:
    """Pauses and resumes desktops on request, and ends those paused for too long."""

    def __init__(self, db: Database, clock: Clock, config: Config, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit

    def pause(self, actor: Actor, public_id: str) -> datetime | None:
        """Request a pause. Returns until when the desktop is kept. Repeating changes nothing.

        Raises Refused if the template does not allow it or the desktop is not ready.
        """
        with (
            self._audit.refusals(actor, "desktop.pause", public_id),
            self._db.begin() as session,
        ):
            desktop = find_desktop(session, actor, Action.DESKTOP_PAUSE, public_id, lock=True)
            if desktop.state in (State.PAUSING, State.PAUSED):
                return desktop.paused_until
            now = self._clock.now()
            until = rules.decide_pause(
                public_id,
                desktop.state,
                desktop.deadline_at,
                desktop.template.max_pause_minutes,
                now,
            )
            begin_pause(desktop, until, now)
            self._audit.record(session, actor, "desktop.pause", public_id)
            return until

    def resume(self, actor: Actor, public_id: str) -> None:
        """Request the end of a pause. Has no effect if the desktop is resuming or ready.

        Raises Refused if the desktop cannot be resumed, is no longer kept, or (by setting) if its
        node has no memory for it.
        """
        with (
            self._audit.refusals(actor, "desktop.resume", public_id),
            self._db.begin() as session,
        ):
            desktop = find_desktop(session, actor, Action.DESKTOP_RESUME, public_id, lock=True)
            if desktop.state not in (State.RESUMING, State.READY):
                ask_to_resume(session, self._config, desktop, self._clock.now())
                self._audit.record(session, actor, "desktop.resume", public_id)

    def expire_some(self) -> bool:
        """Request the end of some desktops that were paused for too long. Returns False if there
        are none."""
        now = self._clock.now()
        overdue = Desktop.state.in_((State.PAUSING, State.PAUSED)) & (Desktop.paused_until <= now)
        with self._db.read() as session:  # a read takes no write lock
            found = session.scalars(select(Desktop.id).where(overdue).limit(AT_ONCE)).all()
        if not found:
            return False
        with self._db.begin() as session:
            still = select(Desktop).where(Desktop.id.in_(found), overdue).order_by(Desktop.id)
            for desktop in session.scalars(still.with_for_update(of=Desktop)):
                desktop.deadline_at = desktop.paused_until
                request_end(desktop, EndReason.EXPIRED, now)
                why = "paused for longer than it is kept"
                self._audit.record(session, SYSTEM, "desktop.expire", desktop.public_id, why)
                log.info("Paused desktop expired", extra={"desktop": desktop.public_id})
        return True


def ask_to_resume(session: Session, config: Config, desktop: Desktop, now: datetime) -> None:
    """Request that `desktop` runs again. Raises Refused."""
    rules.decide_resume(desktop.public_id, desktop.state, desktop.paused_until, now)
    if config.refuses_when_full:
        cluster = read_cluster(session, config, now)
        rules.decide_room_to_resume(
            cluster.left_mb(desktop.node), cluster.needs.get(desktop.template_id, 0), refuses=True
        )
    begin_resume(desktop, now)


def begin_pause(desktop: Desktop, until: datetime, now: datetime) -> None:
    """Stop its time from counting; a worker shuts it down."""
    advance(desktop, Event.PAUSE_REQUESTED, now)
    stop_time(desktop, until, now)


def find_paused(desktop: Desktop, until: datetime, now: datetime) -> None:
    """Treat a desktop that was found shut down as paused."""
    advance(desktop, Event.SHUT_DOWN, now)
    stop_time(desktop, until, now)


def stop_time(desktop: Desktop, until: datetime, now: datetime) -> None:
    """Stop its time from counting, and keep it until `until`."""
    desktop.paused_at, desktop.paused_until = now, until
    forget_trouble(desktop)


def begin_resume(desktop: Desktop, now: datetime) -> None:
    """Request its start from a worker. Its time does not count until it is ready."""
    advance(desktop, Event.RESUME_REQUESTED, now)
    forget_trouble(desktop)


def end_pause(desktop: Desktop, now: datetime) -> None:
    """Make it ready again, with the time left that it had before the pause."""
    advance(desktop, Event.RESUMED, now)
    stood = now - (desktop.paused_at or now)
    if desktop.deadline_at:
        desktop.deadline_at += stood
    desktop.paused_seconds += round(stood / timedelta(seconds=1))
    desktop.paused_at = desktop.paused_until = None
    desktop.resumed_at = now
    desktop.left_at = desktop.idle_warned_at = desktop.input_asked_at = None
    forget_trouble(desktop)


def forget_trouble(desktop: Desktop) -> None:
    """Clear the failures of earlier attempts."""
    desktop.attempts, desktop.retry_at = 0, None
    desktop.failure = desktop.failure_reason = desktop.failure_log = None
