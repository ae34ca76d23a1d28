"""A worker's heartbeat, with the result of its last check of Proxmox."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from webapp.domain.errors import OutsideFailed
from webapp.models import WorkerBeat
from webapp.ports import Clock, Database
from webapp.services.nodes.scan import NodeWatch

#: Rows of workers without a heartbeat for longer are deleted.
FORGET_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class ProxmoxStatus:
    """The result of the last check of Proxmox."""

    seen_at: datetime | None = None
    trouble: str | None = None


class Heartbeat:
    """Writes one worker's row of `worker_beats`."""

    def __init__(self, db: Database, clock: Clock, nodes: NodeWatch, worker: str) -> None:
        self._db = db
        self._clock = clock
        self._nodes = nodes
        self._worker = worker
        self._lock = threading.Lock()
        self._status = ProxmoxStatus()

    def look_at_proxmox(self) -> None:
        """Check Proxmox; the next beat records the result."""
        try:
            self._nodes.look()
        except OutsideFailed as error:
            self.note_trouble(error)
        else:
            self._note(ProxmoxStatus(self._clock.now()))

    def note_trouble(self, error: OutsideFailed) -> None:
        """Note a problem with Proxmox for the next beat."""
        self._note(ProxmoxStatus(self._status.seen_at, str(error)[:500]))

    def beat(self) -> None:
        """Write this worker's row, and delete the rows of long-silent workers."""
        now = self._clock.now()
        with self._lock:
            status = self._status
        with self._db.begin() as session:
            row = session.get(WorkerBeat, self._worker) or WorkerBeat(worker=self._worker)
            row.seen_at = now
            row.proxmox_seen_at = status.seen_at
            row.proxmox_trouble = status.trouble
            session.add(row)
            session.execute(delete(WorkerBeat).where(WorkerBeat.seen_at < now - FORGET_AFTER))

    def end(self) -> None:
        """Delete the row: this worker ended normally."""
        with self._db.begin() as session:
            session.execute(delete(WorkerBeat).where(WorkerBeat.worker == self._worker))

    def _note(self, status: ProxmoxStatus) -> None:
        with self._lock:
            self._status = status
