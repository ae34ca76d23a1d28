"""Leases: a worker's exclusive right to work on a desktop until a certain time.

The lease of a dead worker expires, and another worker takes the desktop. Taking is a guarded
update, so only one of two workers succeeds. Renewing does not change the row version, so it never
conflicts with a person who stops or extends the desktop.
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
    """The lease expired, and another worker has taken the desktop."""

    def __init__(self) -> None:
        super().__init__("lease_lost")


@dataclass(frozen=True)
class Lease:
    """A desktop as it was when it was taken, and the holder's name."""

    desktop: Desktop
    holder: str


class Leases:
    """Takes, renews and releases leases for one worker."""

    def __init__(self, db: Database, clock: Clock, worker: str, length: timedelta) -> None:
        self._db = db
        self._clock = clock
        self.worker = worker
        self.length = length

    def claim(
        self, wanted: ColumnElement[bool], prepare: Callable[[Session, Desktop], None]
    ) -> Lease | None:
        """Take the next `wanted` desktop that is due and free. Returns None if there is none.

        `prepare` runs in the transaction that takes the desktop.
        """
        now = self._clock.now()
        due = and_(wanted, self.is_free_and_due(now))
        with self._db.read() as session:  # a read takes no write lock
            found = self._next_one(session, due, now)
        return None if found is None else self.take(found, due, prepare)

    @staticmethod
    def _next_one(session: Session, due: ColumnElement[bool], now: datetime) -> int | None:
        """Check first whether anything is due: most often nothing is, and sorting costs much
        more."""
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
        """Take this desktop if it is still `due`. Returns None if another worker was first."""
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
        """Selects desktops that no worker holds and whose retry time has passed."""
        return and_(
            or_(Desktop.worked_until.is_(None), Desktop.worked_until < now),
            or_(Desktop.retry_at.is_(None), Desktop.retry_at <= now),
        )

    @contextmanager
    def giving_back(self, lease: Lease) -> Iterator[tuple[Session, Desktop]]:
        """Open a transaction on the current row of the desktop, and release the lease with it.

        Raises LeaseLost if another worker has the desktop.
        """
        with self._db.begin() as session:
            desktop = session.scalar(
                select(Desktop).where(Desktop.id == lease.desktop.id).with_for_update(of=Desktop)
            )
            if desktop is None or desktop.worked_by != lease.holder:
                raise LeaseLost
            yield session, desktop
            desktop.worked_by = None
            desktop.worked_until = None

    def release_held_by(self, is_dead: Callable[[str], bool]) -> None:
        """Release the leases of workers known to be dead, instead of waiting for their expiry."""
        with self._db.begin() as session:
            held = session.scalars(select(Desktop).where(Desktop.worked_by.is_not(None)))
            for desktop in held:
                worker = (desktop.worked_by or "").partition("#")[0]
                if is_dead(worker):
                    log.info("Released lease of dead worker %s", worker, extra=_about(desktop))
                    desktop.worked_by = None
                    desktop.worked_until = None

    def renew(self, lease: Lease) -> bool:
        """Extend the lease to its full length from now. Returns False if it is lost."""
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
    """Renews a lease in the background while the block runs."""

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
            except OutsideFailed as error:  # retried at the next interval
                log.warning("Lease not renewed: %s", error)


def _about(desktop: Desktop) -> dict[str, str]:
    return {"desktop": desktop.public_id}
