"""Ends unused desktops: after the idle limit and its warning, or after their page was closed.

The gateway sees only the input of browsers, so the desktop itself is asked before the warning and
before the end. A desktop that does not answer is not treated as idle: it ends at its deadline.

The worker calls these methods in turn; each returns whether it found a desktop to process.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.connections import rules
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import EndReason, State
from webapp.models import Connection, Desktop, Template
from webapp.models.base import UtcDateTime
from webapp.ports import Clock, Database, Provisioner
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktop_end import request_end
from webapp.services.desktops.guest_troubles import may_be_asked, note_bad_answer, note_good_answer
from webapp.services.desktops.presence import idle_end
from webapp.services.sql_times import seconds_between

log = logging.getLogger(__name__)

#: Tolerance for rounding in the database's arithmetic.
ROUNDING = timedelta(seconds=1)
#: Maximum number of desktops ended in one transaction.
AT_ONCE = 100
WARNING = "Nobody has used this desktop for a while. It ends soon unless you press a key."


class IdleWatch:
    """Finds desktops without input, and desktops whose page was closed."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, audit: Audit, provisioner: Provisioner
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit
        self._provisioner = provisioner
        self._asked: set[int] = set()
        """Desktops that threads of this worker are asking now."""
        self._lock = threading.Lock()

    def ask_one(self, *, suspects: bool | None = None) -> bool:
        """Ask one desktop near its idle limit for its last input. Returns False if none is due.

        `suspects`: only desktops whose last answer was bad (True), only the others (False), or all
        (None).
        """
        with self._lock:
            due = may_be_asked(self._clock, suspects=suspects)
            found = self._find(rules.IDLE_WARNING, self._must_ask, due, at_most=1)
            self._asked |= {desktop.id for desktop in found}
        if not found:
            return False
        try:
            self._ask(found[0])
        finally:
            self._asked.discard(found[0].id)
        return True

    def _ask(self, desktop: Desktop) -> None:
        now = self._clock.now()
        address, host_key = desktop.address or "", desktop.ssh_host_key_sha256 or ""
        try:
            ago = self._provisioner.since_input(address, host_key)
        except OutsideFailed as error:
            about = {"desktop": desktop.public_id}
            log.warning("Last input of desktop not read: %s", error, extra=about)
            self._note(desktop, error)
            return
        with self._db.begin() as session:
            row = session.get_one(Desktop, desktop.id)
            note_good_answer(row)
            row.input_asked_at = now
            if ago is not None:
                row.input_at = max(now - ago, row.input_at or row.created_at)

    def _note(self, desktop: Desktop, error: OutsideFailed) -> None:
        with self._db.begin() as session:
            note_bad_answer(session.get_one(Desktop, desktop.id), error, self._clock)

    def warn_one(self, *, suspects: bool | None = None) -> bool:
        """Show the warning in one desktop. Returns False if none is due. `suspects` as in
        `ask_one`."""
        unwarned = Desktop.idle_warned_at.is_(None)
        due = may_be_asked(self._clock, suspects=suspects)
        found = self._find(rules.IDLE_WARNING, _must_warn, unwarned, due, at_most=1)
        if not found:
            return False
        desktop = found[0]
        with self._db.begin() as session:
            session.get_one(Desktop, desktop.id).idle_warned_at = self._clock.now()
        address, host_key = desktop.address or "", desktop.ssh_host_key_sha256 or ""
        try:
            self._provisioner.warn(address, host_key, WARNING)
        except OutsideFailed as error:  # not fatal: the page shows the warning as well
            about = {"desktop": desktop.public_id}
            log.warning("Idle warning not shown: %s", error, extra=about)
            self._note(desktop, error)
        return True

    def stop_some(self) -> bool:
        """Request the end of desktops that are idle or whose page was closed. Returns False if
        there are none."""
        found = self._find(timedelta(), _is_over, at_most=AT_ONCE) or self._left()
        if not found:
            return False
        now, ids = self._clock.now(), [desktop.id for desktop in found]
        with self._db.begin() as session:
            still = select(Desktop).where(Desktop.id.in_(ids)).order_by(Desktop.id)
            for desktop in session.scalars(still.with_for_update(of=Desktop)):
                if reason := self._why(session, desktop, now):  # None if it is in use again
                    request_end(desktop, reason, now)
                    self._audit.record(session, SYSTEM, "desktop.stop", desktop.public_id, reason)
        return True

    def forgive(self) -> None:
        """Reset the warnings of desktops that are in use again, so that they are warned anew."""
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
        self,
        ahead: timedelta,
        is_due: Callable[[Desktop, datetime | None, datetime], bool],
        *more: ColumnElement[bool],
        at_most: int,
    ) -> list[Desktop]:
        """Ready desktops for which `is_due` is true, at most `ahead` before their idle end.

        The database preselects the candidates, so thousands of desktops cost one query.
        """
        limit = func.coalesce(Template.idle_minutes, self._config.idle_minutes)
        shortest = limit * 60 - (ahead + ROUNDING).total_seconds()
        now = self._clock.now()
        here = literal(now, UtcDateTime())
        is_due_roughly = [
            seconds_between(moment, here) >= shortest
            for moment in (_UNUSED_FROM, _USED_AT, _INPUT_AT)
        ]
        with self._db.read() as session:
            candidates = session.scalars(
                select(Desktop)
                .join(Template, Template.id == Desktop.template_id)
                .where(Desktop.state == State.READY, limit > 0, *more, *is_due_roughly)
            )
            due = (
                desktop
                for desktop in candidates
                if is_due(desktop, idle_end(session, desktop, self._config), now)
            )
            return list(islice(due, at_most))

    def _must_ask(self, desktop: Desktop, ends_at: datetime | None, now: datetime) -> bool:
        is_free = desktop.id not in self._asked
        return is_free and rules.must_ask_desktop(ends_at, desktop.input_asked_at, now)

    def _left(self) -> list[Desktop]:
        gone = select(Desktop).where(*_gone(self._clock.now()))
        with self._db.read() as session:
            return list(session.scalars(gone.limit(AT_ONCE)))

    def _why(self, session: Session, desktop: Desktop, now: datetime) -> EndReason | None:
        if desktop.state != State.READY:
            return None
        if _is_over(desktop, idle_end(session, desktop, self._config), now):
            return EndReason.IDLE
        is_gone = session.scalar(select(Desktop.id).where(Desktop.id == desktop.id, *_gone(now)))
        return EndReason.ASKED if is_gone else None


_LAST_USE = (
    select(func.max(func.coalesce(Connection.last_input_at, Connection.started_at)))
    .where(Connection.desktop_id == Desktop.id)
    .scalar_subquery()
)
_UNUSED_FROM = func.coalesce(Desktop.resumed_at, Desktop.ready_at)
_USED_AT = func.coalesce(_LAST_USE, Desktop.ready_at)
_INPUT_AT = func.coalesce(Desktop.input_at, Desktop.ready_at)


def _must_warn(desktop: Desktop, ends_at: datetime | None, now: datetime) -> bool:
    must_ask = rules.must_ask_desktop(ends_at, desktop.input_asked_at, now)
    return rules.is_idle_soon(ends_at, now) and not must_ask


def _is_over(desktop: Desktop, ends_at: datetime | None, now: datetime) -> bool:
    must_ask = rules.must_ask_desktop(ends_at, desktop.input_asked_at, now)
    return ends_at is not None and ends_at <= now and not must_ask


def _gone(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Selects ready desktops whose person chose the end on close and whose page was closed and not
    reopened."""
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
