"""A desktop's time: extending and stopping it, and its expiry."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.desktops.limits import decide_extension
from webapp.domain.errors import NotFound, Refused, Stale
from webapp.domain.states import EndReason, Event, State, advance, can
from webapp.models import Desktop
from webapp.ports import Clock, Database
from webapp.services.audit.record import SYSTEM, Actor, Audit

log = logging.getLogger(__name__)

#: The desktop is told its deadline again only when it is wrong by more than this.
CLOSE_ENOUGH = timedelta(seconds=30)
#: Desktops that expire in one transaction: many end together, and others wait to write meanwhile.
AT_ONCE = 100


class Lifetime:
    """What people ask of a running desktop, and what the clock does."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit

    def extend(
        self, actor: Actor, public_id: str, minutes: int, *, version: int | None = None
    ) -> datetime:
        """The new deadline. Refused when the desktop is not ready or has its longest time.

        Raises Stale when it is not at `version` (of its row) any more; None: at any.
        """
        with (
            self._audit.refusals(actor, "desktop.extend", public_id),
            self._db.begin() as session,
        ):
            desktop = theirs(session, actor, public_id)
            _check_version(desktop, version)
            if desktop.state != State.READY or not desktop.ready_at or not desktop.deadline_at:
                raise Refused(
                    "not_ready",
                    f"{public_id} is {desktop.state}, so its time cannot be changed.",
                    what_to_do="Extend it while it runs, or launch a new one.",
                )
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
        """Ask for the end of a desktop; asking again changes nothing. `version` as in `extend`."""
        with self._audit.refusals(actor, "desktop.stop", public_id), self._db.begin() as session:
            desktop = theirs(session, actor, public_id)
            _check_version(desktop, version)
            if not can(desktop.state, Event.STOP_REQUESTED):
                return
            if reason == EndReason.ASKED and not desktop.belongs_to(actor.person_id):
                reason = EndReason.ADMIN
            ask_for_end(desktop, reason, self._clock.now())
            self._audit.record(session, actor, "desktop.stop", public_id, reason)

    def expire_some(self) -> bool:
        """Ask for the end of some desktops whose time is up, earliest first; False: of none."""
        now = self._clock.now()
        overdue = (Desktop.state == State.READY) & (Desktop.deadline_at <= now)
        with self._db.read() as session:  # a look takes no write lock
            earliest = select(Desktop.id).where(overdue).order_by(Desktop.deadline_at)
            found = session.scalars(earliest.limit(AT_ONCE)).all()
        if not found:
            return False
        with self._db.begin() as session:
            still = select(Desktop).where(Desktop.id.in_(found), overdue).order_by(Desktop.id)
            for desktop in session.scalars(still.with_for_update(of=Desktop)):
                ask_for_end(desktop, EndReason.EXPIRED, now)
                self._audit.record(session, SYSTEM, "desktop.expire", desktop.public_id)
                log.info("Desktop expired", extra={"desktop": desktop.public_id})
        return True


def ask_for_end(desktop: Desktop, reason: EndReason, now: datetime) -> None:
    """Write that `desktop` is to end, and why; the worker tears it down."""
    advance(desktop, Event.STOP_REQUESTED, now)
    desktop.end_reason = reason
    desktop.stop_requested_at = now
    desktop.retry_at = None


def note_told(desktop: Desktop, told_at: datetime) -> None:
    """Write which deadline a run told `desktop`; it is told again if that is too far from its own.

    Either way: the clock may have been set while the run took place.
    """
    is_close = desktop.deadline_at and abs(desktop.deadline_at - told_at) <= CLOSE_ENOUGH
    desktop.deadline_told_at = desktop.deadline_at if is_close else told_at


def _check_version(desktop: Desktop, version: int | None) -> None:
    if version is not None and desktop.row_version != version:
        raise Stale(f"{desktop.public_id} changed since you looked.")


def theirs(session: Session, actor: Actor, public_id: str) -> Desktop:
    """The desktop, if it is the actor's own or the actor is an admin; else there is none."""
    desktop = session.scalar(
        select(Desktop).where(Desktop.public_id == public_id).with_for_update(of=Desktop)
    )
    if desktop is None or not (actor.is_admin or desktop.belongs_to(actor.person_id)):
        raise NotFound("There is no such desktop.")
    return desktop
