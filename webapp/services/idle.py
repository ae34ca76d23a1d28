"""Ending desktops that nobody uses: the idle limit with its warning, and the closed page.

The worker asks these one after the other; each does one desktop and says whether it found one.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain import connections as rules
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import EndReason, Event, State, advance
from webapp.models import Connection, Desktop, Template
from webapp.ports import Clock, Database, Provisioner
from webapp.services.audit import SYSTEM, Audit
from webapp.services.presence import idle_end

log = logging.getLogger(__name__)

WARNING = "Nobody has used this desktop for a while. It ends soon unless you press a key."


class IdleWatch:
    """Finds desktops without input and pages that were closed."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, audit: Audit, provisioner: Provisioner
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit
        self._provisioner = provisioner

    def warn_one(self) -> bool:
        """Let one desktop show that it ends soon; False: none has to."""
        found = self._find(rules.is_idle_soon, Desktop.idle_warned_at.is_(None))
        if found is None:
            return False
        with self._db.begin() as session:
            session.get_one(Desktop, found.id).idle_warned_at = self._clock.now()
        try:
            self._provisioner.warn(found.address or "", found.ssh_host_key_sha256 or "", WARNING)
        except OutsideFailed as error:  # the page shows the warning as well
            log.warning("The desktop was not warned: %s", error, extra={"desktop": found.public_id})
        return True

    def stop_one(self) -> bool:
        """Ask for the end of one desktop that is idle or whose page was closed; False: none is."""
        found = self._find(_is_over) or self._left()
        if found is None:
            return False
        now = self._clock.now()
        with self._db.begin() as session:
            desktop = session.get_one(Desktop, found.id, with_for_update=True)
            reason = self._why(session, desktop, now)
            if reason is None:  # used again meanwhile
                return True
            advance(desktop, Event.STOP_REQUESTED, now)
            desktop.end_reason = reason
            desktop.stop_requested_at = now
            desktop.retry_at = None
            self._audit.record(session, SYSTEM, "desktop.stop", desktop.public_id, reason)
        return True

    def forgive(self) -> None:
        """Forget the warnings of desktops that are used again, so that they are warned anew."""
        with self._db.read() as session:
            warned = session.scalars(
                select(Desktop).where(
                    Desktop.state == State.READY, Desktop.idle_warned_at.is_not(None)
                )
            ).all()
            now = self._clock.now()
            used = [
                one.id
                for one in warned
                if not rules.is_idle_soon(idle_end(session, one, self._config), now)
            ]
        for desktop_id in used:
            with self._db.begin() as session:
                session.get_one(Desktop, desktop_id).idle_warned_at = None

    def _find(
        self, is_due: Callable[[datetime | None, datetime], bool], *more: ColumnElement[bool]
    ) -> Desktop | None:
        """One ready desktop with an idle limit of which `is_due` is true."""
        limit = func.coalesce(Template.idle_minutes, self._config.idle_minutes)
        now = self._clock.now()
        with self._db.read() as session:
            candidates = session.scalars(
                select(Desktop)
                .join(Template, Template.id == Desktop.template_id)
                .where(Desktop.state == State.READY, limit > 0, *more)
            )
            for desktop in candidates:
                if is_due(idle_end(session, desktop, self._config), now):
                    return desktop
        return None

    def _left(self) -> Desktop | None:
        with self._db.read() as session:
            return session.scalar(select(Desktop).where(*_gone(self._clock.now())).limit(1))

    def _why(self, session: Session, desktop: Desktop, now: datetime) -> EndReason | None:
        if desktop.state != State.READY:
            return None
        if _is_over(idle_end(session, desktop, self._config), now):
            return EndReason.IDLE
        is_gone = session.scalar(select(Desktop.id).where(Desktop.id == desktop.id, *_gone(now)))
        return EndReason.ASKED if is_gone else None


def _is_over(ends_at: datetime | None, now: datetime) -> bool:
    return ends_at is not None and ends_at <= now


def _gone(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Ready desktops whose page was closed, and not opened again, as their people chose."""
    is_watched = (
        select(Connection.id)
        .where(Connection.desktop_id == Desktop.id, Connection.ended_at.is_(None))
        .exists()
    )
    return (
        Desktop.state == State.READY,
        Desktop.end_on_close.is_(True),
        Desktop.left_at <= now - rules.CLOSE_GRACE,
        ~is_watched,
    )
