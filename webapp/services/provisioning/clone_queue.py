"""The build queue: decides which desktop is next, and on which node; one clone per source at a
time.

A row waits while its source is busy or its nodes are full or down. It does not block the rows
behind it: they may have another template or fit on another node.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, not_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.nodes.placement import Source, Wait
from webapp.domain.states import State
from webapp.models import CloneSlot, Desktop, TemplateReplica
from webapp.ports import Clock, Database
from webapp.services.fair_turns import fair_order
from webapp.services.nodes.cluster import Cluster, read_cluster
from webapp.services.provisioning.lease import Lease, Leases

#: Retry interval of a row whose template cannot be cloned on any node.
LOOK_AGAIN = timedelta(seconds=3)
#: Number of rows in one read.
LOOK_AHEAD = 50
#: Selects rows to build: new ones, those put back, and those whose worker died.
WAITING = or_(Desktop.state == State.QUEUED, Desktop.state == State.BUILDING) & (
    Desktop.adopted_from.is_(None)  # services/provisioning/adopt.py continues the others
)


@dataclass(frozen=True)
class Turn:
    """A desktop to build now, and the source to clone."""

    lease: Lease
    source: Source | None
    """None: the build timed out, and only its failure must be recorded."""


@dataclass
class _Rows:
    """A set of waiting rows: single rows, and all new rows of some templates."""

    ids: set[int] = field(default_factory=set)
    templates: set[int] = field(default_factory=set)

    def add(self, row: Any) -> None:
        if row.build_started_at is None:  # the same holds for all new rows of this template
            self.templates.add(row.template_id)
        else:
            self.ids.add(row.id)

    @property
    def are_these(self) -> ColumnElement[bool]:
        is_new = Desktop.build_started_at.is_(None)
        return or_(Desktop.id.in_(self.ids), and_(is_new, Desktop.template_id.in_(self.templates)))


def _waiting(
    due: ColumnElement[bool], held_up: _Rows, now: datetime
) -> Select[int, int, str | None, datetime | None]:
    return (
        select(Desktop.id, Desktop.template_id, Desktop.node, Desktop.build_started_at)
        .where(due, not_(held_up.are_these))
        .order_by(*fair_order(now))
        .limit(LOOK_AHEAD)
    )


class CloneQueue:
    """Takes the next build."""

    def __init__(self, db: Database, clock: Clock, config: Config, leases: Leases) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._leases = leases

    def take(
        self, wanted: ColumnElement[bool], begin: Callable[[Session, Desktop], None]
    ) -> Turn | None:
        """Take the first `wanted` build that can start now, with its clone slot. None: none can.

        `begin` runs in the transaction that takes the build.
        """
        now = self._clock.now()
        due = and_(WAITING, wanted, self._leases.is_free_and_due(now))
        cluster: Cluster | None = None
        held_up, hopeless = _Rows(), _Rows()
        while True:
            with self._db.read() as session:
                rows = session.execute(_waiting(due, held_up, now)).all()
                if rows and cluster is None:
                    cluster = read_cluster(session, self._config, now)
            if not rows or cluster is None:
                self._rest(hopeless, due, now)
                return None
            for row in rows:
                source = self._place(cluster, row)
                if isinstance(source, Wait):
                    held_up.add(row)
                    if source in (Wait.STUCK, Wait.DOWN):
                        hopeless.add(row)
                elif lease := self._take(row.id, due, cluster, source, begin):
                    return Turn(lease, source)
                else:  # another worker was faster
                    held_up.ids.add(row.id)

    def _place(self, cluster: Cluster, row: Any) -> Source | Wait | None:
        began = row.build_started_at
        if began is not None and cluster.now - began > self._config.build_timeout:
            return None
        return cluster.place(row.template_id, row.node)

    def _rest(self, hopeless: _Rows, due: ColumnElement[bool], now: datetime) -> None:
        """Postpone these rows by LOOK_AGAIN: as long as they are due, no pool build starts."""
        if not (hopeless.ids or hopeless.templates):
            return
        with self._db.begin() as session:
            session.execute(
                update(Desktop)
                .where(due, hopeless.are_these)
                .values(retry_at=now + LOOK_AGAIN)
                .execution_options(synchronize_session=False)
            )

    def _take(
        self,
        desktop_id: int,
        due: ColumnElement[bool],
        cluster: Cluster,
        source: Source | None,
        begin: Callable[[Session, Desktop], None],
    ) -> Lease | None:
        def prepare(session: Session, desktop: Desktop) -> None:
            begin(session, desktop)
            if source:
                if desktop.node is None:  # otherwise it may already exist, with the older version
                    desktop.template_version = source.version
                desktop.node = source.node
                _occupy(session, cluster, source, desktop)

        try:
            return self._leases.take(desktop_id, due, prepare)
        except IntegrityError:  # another worker took the source or the storage slot first
            return None


def _occupy(session: Session, cluster: Cluster, source: Source, desktop: Desktop) -> None:
    if cluster.slots.dead:
        session.execute(delete(CloneSlot).where(CloneSlot.holder.in_(cluster.slots.dead)))
    session.add(
        CloneSlot(
            source_vmid=source.vmid,
            desktop_id=desktop.id,
            holder=desktop.worked_by or "",
            storage=cluster.storage_of(source),
            number=cluster.free_number(source) or 1,
            taken_at=cluster.now,
        )
    )
    session.flush()


def free_slot(session: Session, lease: Lease) -> None:
    """Release the clone slot: the next desktop may be cloned from the same source."""
    session.execute(delete(CloneSlot).where(CloneSlot.holder == lease.holder))


def avoid_source(session: Session, source: Source, now: datetime) -> None:
    """Mark a locked source, so that others are used until a worker's next check of the nodes."""
    session.execute(
        update(TemplateReplica)
        .where(TemplateReplica.vmid == source.vmid, TemplateReplica.locked_at.is_(None))
        .values(locked_at=now)
        .execution_options(synchronize_session=False)
    )
