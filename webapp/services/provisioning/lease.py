"""Leases: which worker works on which desktop, and until when.

A worker that dies lets its lease run out, and another one takes the desktop. Taking is a guarded
update, so of two workers one gets it; renewing changes no row version, so it never disturbs a
person who stops or extends the desktop meanwhile.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from webapp.domain.errors import Conflict, OutsideFailed
from webapp.models import Desktop
from webapp.ports import Clock, Database
from webapp.services.fair_turns import fair_order

log = logging.getLogger(__name__)


class LeaseLost(Conflict):
    """The lease ran out and the desktop is another worker's now."""


@dataclass(frozen=True)
class Lease:
    """A desktop as it was when it was taken, and the name it was taken under."""

    desktop: Desktop
    holder: str


class Leases:
    """Takes, renews and gives back desktops in the name of one worker."""

    def __init__(self, db: Database, clock: Clock, worker: str, length: timedelta) -> None:
        self._db = db
        self._clock = clock
        self.worker = worker
        self.length = length

    def claim(
        self, wanted: ColumnElement[bool], prepare: Callable[[Session, Desktop], None]
    ) -> Lease | None:
        """The desktop whose turn it is of those `wanted`, due and free; None when there is none.

        `prepare` runs in the same transaction that takes it.
        """
        now = self._clock.now()
        due = and_(wanted, self.is_free_and_due(now))
        with self._db.read() as session:  # a look takes no write lock
            found = self._next_one(session, due, now)
        return None if found is None else self.take(found, due, prepare)

    @staticmethod
    def _next_one(session: Session, due: ColumnElement[bool], now: datetime) -> int | None:
        """Most often nothing is due; the order of turns costs much more than to see that."""
        one = select(Desktop.id).where(due).limit(1)
        if session.scalar(one) is None:
            return None
        return session.scalar(one.order_by(*fair_order(now)))

    def take(
        self,
        desktop_id: int,
        due: ColumnElement[bool],
        prepare: Callable[[Session, Desktop], None],
    ) -> Lease | None:
        """That desktop, if it still is `due`; None when another worker was first."""
        holder = f"{self.worker[:70]}#{secrets.token_hex(4)}"
        try:
            with self._db.begin() as session:
                desktop = session.scalar(
                    select(Desktop)
                    .where(Desktop.id == desktop_id, due)
                    .with_for_update(of=Desktop, skip_locked=True)
                )
                if desktop is None:
                    return None
                desktop.worked_by = holder
                desktop.worked_until = self._clock.now() + self.length
                prepare(session, desktop)
        except Conflict:  # another worker was first
            return None
        return Lease(desktop, holder)

    def is_free_and_due(self, now: datetime) -> ColumnElement[bool]:
        """Desktops that no worker holds and whose next try has come."""
        return and_(
            or_(Desktop.worked_until.is_(None), Desktop.worked_until < now),
            or_(Desktop.retry_at.is_(None), Desktop.retry_at <= now),
        )

    @contextmanager
    def giving_back(self, lease: Lease) -> Iterator[tuple[Session, Desktop]]:
        """A transaction on the desktop as it is now that also ends the lease.

        Raises LeaseLost when another worker has it.
        """
        with self._db.begin() as session:
            desktop = session.scalar(
                select(Desktop).where(Desktop.id == lease.desktop.id).with_for_update(of=Desktop)
            )
            if desktop is None or desktop.worked_by != lease.holder:
                raise LeaseLost(f"{lease.desktop.public_id} is in another worker's hands.")
            yield session, desktop
            desktop.worked_by = None
            desktop.worked_until = None

    def free_those_of(self, is_dead: Callable[[str], bool]) -> None:
        """End the leases of workers that are known to be dead, so that nobody waits for them."""
        with self._db.begin() as session:
            held = session.scalars(select(Desktop).where(Desktop.worked_by.is_not(None)))
            for desktop in held:
                worker = (desktop.worked_by or "").partition("#")[0]
                if is_dead(worker):
                    log.info("Freed of the dead worker %s", worker, extra=_about(desktop))
                    desktop.worked_by = None
                    desktop.worked_until = None

    def renew(self, lease: Lease) -> bool:
        """Keep the lease for its full length from now; False when it is lost."""
        with self._db.begin() as session:
            renewed = session.execute(
                update(Desktop)
                .where(Desktop.id == lease.desktop.id, Desktop.worked_by == lease.holder)
                .values(worked_until=self._clock.now() + self.length)
                .execution_options(synchronize_session=False)
                .returning(Desktop.id)
            )
            return renewed.first() is not None


class KeptLease:
    """Renews a lease in the background for as long as the block runs."""

    def __init__(self, leases: Leases, lease: Lease) -> None:
        self._leases = leases
        self._lease = lease
        self._is_over = threading.Event()
        self._is_lost = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    @property
    def is_lost(self) -> bool:
        return self._is_lost.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._is_over.wait(self._leases.length.total_seconds() / 3):
            try:
                if not self._leases.renew(self._lease):
                    self._is_lost.set()
                    return
            except OutsideFailed as error:  # tried again at the next turn, as long as it is ours
                log.warning("A lease could not be renewed: %s", error)


def _about(desktop: Desktop) -> dict[str, str]:
    return {"desktop": desktop.public_id}
