"""Cancels a playbook run that is no longer wanted, gives way to a person, or whose worker stops."""

import time
from collections.abc import Callable

from sqlalchemy import select

from webapp.domain.errors import Conflict, OutsideFailed
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.ports import Clock, Database
from webapp.services.provisioning.lease import KeptLease, Lease
from webapp.services.provisioning.precedence import PATIENCE, is_launch_waiting


class Cancel:
    """Returns whether a run must be cancelled. Reads the database at most twice a second."""

    EVERY = 0.5

    def __init__(
        self,
        db: Database,
        clock: Clock,
        lease: Lease,
        kept: KeptLease,
        is_stopping: Callable[[], bool],
        while_in: State,
    ) -> None:
        """The run is wanted as long as the desktop is in the state `while_in`."""
        self._db = db
        self._clock = clock
        self._lease = lease
        self._kept = kept
        self._is_stopping = is_stopping
        self._while_in = while_in
        self._looked_at = time.monotonic()
        self.is_set = False
        self.is_for_later = False
        """Whether it was cancelled because this worker is stopping or a person comes first: the
        run is still wanted."""

    def __call__(self) -> bool:
        if not self.is_set:
            self.is_for_later = self._is_stopping()
            self.is_set = self.is_for_later or self._kept.is_lost or self._is_told()
        return self.is_set

    def _is_told(self) -> bool:
        if time.monotonic() - self._looked_at < self.EVERY:
            return False
        self._looked_at = time.monotonic()
        in_the_way = is_launch_waiting(self._clock.now(), PATIENCE)
        try:
            with self._db.read() as session:
                row = session.execute(
                    select(Desktop.state, Desktop.owner_id.is_(None) & in_the_way).where(
                        Desktop.id == self._lease.desktop.id
                    )
                ).first()
        except (Conflict, OutsideFailed):  # an unknown state is no reason to cancel
            return False
        is_unwanted = row is None or row[0] != self._while_in
        self.is_for_later = not is_unwanted and row is not None and bool(row[1])
        return is_unwanted or self.is_for_later
