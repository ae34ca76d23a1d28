"""A desktop's lifetime: extending, stopping and expiry."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select

from webapp.domain.access import Action, is_owner
from webapp.domain.desktops.limits import decide_extension
from webapp.domain.errors import Refused, Stale
from webapp.domain.states import EndReason, Event, State, can
from webapp.models import Desktop
from webapp.ports import Clock, Database
from webapp.services.audit.record import SYSTEM, Actor, Audit
from webapp.services.desktop_access import find_desktop, resource_of
from webapp.services.desktop_end import request_end

log = logging.getLogger(__name__)

#: The deadline is sent to the desktop again only if it is wrong by more than this.
CLOSE_ENOUGH = timedelta(seconds=30)
#: Desktops that expire in one transaction: many may end together, and other writers wait meanwhile.
AT_ONCE = 100


class Lifetime:
    """Extends and stops desktops on request, and ends those that expired."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit

    def extend(
        self, actor: Actor, public_id: str, minutes: int, *, version: int | None = None
    ) -> datetime:
        """Extend the deadline and return it.

        Raises Refused if the desktop is not ready or has its maximum lifetime, Stale if its row is
        no longer at `version` (None: any version).
        """
        with (
            self._audit.refusals(actor, "desktop.extend", public_id),
            self._db.begin() as session,
        ):
            desktop = find_desktop(session, actor, Action.DESKTOP_EXTEND, public_id, lock=True)
            _check_version(desktop, version)
            if desktop.state != State.READY or not desktop.ready_at or not desktop.deadline_at:
                raise Refused("not_ready.extend", desktop=public_id, state=desktop.state)
            desktop.deadline_at = decide_extension(
                desktop.deadline_at,
                desktop.life_from or desktop.ready_at,
                minutes,
                desktop.template.durations,
                self._clock.now(),
            )
            desktop.retry_at = None
            self._audit.record(session, actor, "desktop.extend", public_id, f"{minutes} min")
            return desktop.deadline_at

    def stop(
        self,
        actor: Actor,
        public_id: str,
        reason: EndReason = EndReason.ASKED,
        *,
        version: int | None = None,
    ) -> None:
        """Request the end of a desktop; a repeated request changes nothing. `version` as in
        `extend`."""
        with self._audit.refusals(actor, "desktop.stop", public_id), self._db.begin() as session:
            desktop = find_desktop(session, actor, Action.DESKTOP_STOP, public_id, lock=True)
            _check_version(desktop, version)
            if not can(desktop.state, Event.STOP_REQUESTED):
                return
            if reason == EndReason.ASKED and not is_owner(actor, resource_of(desktop)):
                reason = EndReason.ADMIN
            request_end(desktop, reason, self._clock.now())
            self._audit.record(session, actor, "desktop.stop", public_id, reason)

    def expire_some(self) -> bool:
        """Request the end of some expired desktops, earliest first. Returns False if there are
        none."""
        now = self._clock.now()
        overdue = (Desktop.state == State.READY) & (Desktop.deadline_at <= now)
        with self._db.read() as session:  # a read takes no write lock
            earliest = select(Desktop.id).where(overdue).order_by(Desktop.deadline_at)
            found = session.scalars(earliest.limit(AT_ONCE)).all()
        if not found:
            return False
        with self._db.begin() as session:
            still = select(Desktop).where(Desktop.id.in_(found), overdue).order_by(Desktop.id)
            for desktop in session.scalars(still.with_for_update(of=Desktop)):
                request_end(desktop, EndReason.EXPIRED, now)
                self._audit.record(session, SYSTEM, "desktop.expire", desktop.public_id)
                log.info("Desktop expired", extra={"desktop": desktop.public_id})
        return True


def note_told(desktop: Desktop, told_at: datetime) -> None:
    """Record the deadline that a run sent to `desktop`. If it is too far off, it is sent again.

    It may be too early or too late: the clock may have been set during the run.
    """
    is_close = desktop.deadline_at and abs(desktop.deadline_at - told_at) <= CLOSE_ENOUGH
    desktop.deadline_told_at = desktop.deadline_at if is_close else told_at


def _check_version(desktop: Desktop, version: int | None) -> None:
    if version is not None and desktop.row_version != version:
        raise Stale("desktop", desktop=desktop.public_id)
