"""Records the steps of a run as Ansible begins them, for the page's progress and for estimates."""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.errors import Conflict, OutsideFailed
from webapp.models import DesktopStep
from webapp.ports import Clock, Database

log = logging.getLogger(__name__)


class Steps:
    """The steps of one run on one desktop."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        desktop_id: int,
        also: Callable[[Session, str], None] = lambda _session, _name: None,
    ) -> None:
        """`also` is called for each step, in its transaction."""
        self._db = db
        self._clock = clock
        self._desktop_id = desktop_id
        self._also = also
        self._name = ""

    def begin(self, name: str) -> None:
        """Record that a step begins. A database error is only logged: it must not fail the run."""
        if name == self._name:
            return
        self._name = name
        now = self._clock.now()
        try:
            with self._db.begin() as session:
                finish_steps(session, self._desktop_id, now)
                self._also(session, name)
                session.add(
                    DesktopStep(desktop_id=self._desktop_id, name=name[:40], started_at=now)
                )
        except (Conflict, OutsideFailed) as error:
            log.warning("Build step not recorded: %s", error)


def finish_steps(session: Session, desktop_id: int, now: datetime) -> None:
    """Mark all running steps of the desktop as finished now."""
    under_way = select(DesktopStep).where(
        DesktopStep.desktop_id == desktop_id, DesktopStep.finished_at.is_(None)
    )
    for step in session.scalars(under_way):
        step.finished_at = now
