"""Reads the state of the cluster from the database, as values for the domain's decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.nodes.placement import NodeRoom, Source, Wait, decide_placement
from webapp.domain.states import State
from webapp.models import CloneSlot, Desktop, Node, Template, TemplateReplica

#: How long a worker's check of a node is valid; afterwards only the node's existence is known.
SNAPSHOT_LASTS = timedelta(seconds=60)
#: A build is included in its node's used memory after about this time.
SETTLES = timedelta(seconds=10)


@dataclass(frozen=True)
class Slots:
    """The clones in progress: their sources, and the slot numbers in use on each storage."""

    sources: frozenset[int]
    numbers: Mapping[str, frozenset[int]]
    dead: Sequence[str]
    """Holders whose lease has expired; their rows can be deleted."""


@dataclass(frozen=True)
class Cluster:
    """A snapshot of everything that a placement depends on."""

    config: Config
    now: datetime
    rooms: Mapping[str, NodeRoom]
    sources: Mapping[int, Sequence[Source]]
    """By template id."""
    needs: Mapping[int, int]
    """MiB that a desktop of a template needs, by template id."""
    slots: Slots
    shared_storage: frozenset[str]
    """Nodes whose storage is shared with the other nodes."""

    def place(self, template_id: int, node: str | None) -> Source | Wait:
        """Decides where to build a template's next desktop, or why it must wait. `node`: the node
        on which its build has already begun."""
        sources = [
            replace(one, is_busy=self._is_busy(one))
            for one in self.sources.get(template_id, ())
            if node in (None, one.node)
        ]
        return decide_placement(
            sources,
            self.rooms,
            # The memory of a build that has begun is already reserved.
            0 if node else self.needs.get(template_id, 0),
            0 if node else self.config.node_reserve_mb,
            self.now,
            self.config.stale_lock,
        )

    def left_mb(self, node: str | None) -> int | None:
        """Memory in MiB for further desktops on a node; None if unknown."""
        room = self.rooms.get(node or self.config.proxmox.node)
        return room.left_mb(self.config.node_reserve_mb) if room else None

    def storage_of(self, source: Source) -> str:
        """The key under which clones on the source's storage are counted."""
        storage = self.config.proxmox.storage
        return storage if source.node in self.shared_storage else f"{source.node}/{storage}"

    def free_number(self, source: Source) -> int | None:
        """The lowest free slot number of the storage; None if the limit is reached."""
        taken = self.slots.numbers.get(self.storage_of(source), frozenset())
        limit = self.config.clones_per_storage
        return next((n for n in range(1, limit + 1) if n not in taken), None)

    def _is_busy(self, source: Source) -> bool:
        return source.vmid in self.slots.sources or self.free_number(source) is None


def is_reachable(now: datetime) -> ColumnElement[bool]:
    """Selects desktops that are not on a node known to be down. The others wait for their node and
    must not block the queue."""
    down = select(Node.name).where(Node.is_online.is_(False), Node.seen_at >= now - SNAPSHOT_LASTS)
    return or_(Desktop.node.is_(None), Desktop.node.not_in(down))


def read_cluster(session: Session, config: Config, now: datetime) -> Cluster:
    """Reads the cluster in five small queries."""
    templates = session.scalars(select(Template)).all()
    nodes = session.scalars(select(Node)).all()
    needs = {one.id: one.memory_used_mb or one.memory_mb for one in templates}
    return Cluster(
        config=config,
        now=now,
        rooms=_rooms(session, nodes, needs, now),
        sources=_sources(session, config, templates),
        needs=needs,
        slots=_slots(session, now),
        shared_storage=frozenset(node.name for node in nodes if node.storage_is_shared),
    )


def _rooms(
    session: Session, nodes: Sequence[Node], needs: Mapping[int, int], now: datetime
) -> dict[str, NodeRoom]:
    promised: dict[str, list[int]] = {}
    started_at = func.coalesce(Desktop.resumed_at, Desktop.build_started_at)
    begun = session.execute(
        select(Desktop.node, Desktop.template_id, Desktop.state, started_at.label("began")).where(
            Desktop.node.is_not(None),
            or_(
                Desktop.state == State.BUILDING,
                and_(Desktop.state == State.RESUMING, Desktop.worked_until >= now),
                and_(
                    Desktop.state.in_((State.READY, State.WARM)),
                    started_at > now - SNAPSHOT_LASTS - SETTLES,
                ),
            ),
        )
    ).all()
    seen_at = {node.name: node.seen_at for node in nodes}
    for name, template_id, state, began in begun:
        is_seen = began and began + SETTLES <= seen_at.get(name or "", now)
        if state in (State.BUILDING, State.RESUMING) or not is_seen:
            promised.setdefault(name or "", []).append(needs.get(template_id, 0))
    return {node.name: _room(node, promised.get(node.name, []), now) for node in nodes}


def _room(node: Node, promised: Sequence[int], now: datetime) -> NodeRoom:
    is_fresh = now - node.seen_at <= SNAPSHOT_LASTS
    return NodeRoom(
        name=node.name,
        is_usable=node.is_enabled and not (is_fresh and node.trouble),
        answered=timedelta(milliseconds=node.answered_ms) if node.answered_ms else None,
        free_mb=node.free_mb,
        storage_free_gb=node.storage_free_gb,
        promised_mb=sum(promised),
        desktops=len(promised),
    )


def _sources(
    session: Session, config: Config, templates: Sequence[Template]
) -> dict[int, list[Source]]:
    """The current replicas by template id. A template published before replicas existed counts as
    its own."""
    found: dict[int, list[Source]] = {}
    for one in session.scalars(select(TemplateReplica).where(TemplateReplica.retired_at.is_(None))):
        source = Source(
            one.vmid, one.node, one.version, is_missing=one.is_missing, locked_at=one.locked_at
        )
        found.setdefault(one.template_id, []).append(source)
    for template in templates:
        own = Source(template.vmid, config.proxmox.node, template.version)
        found.setdefault(template.id, [own])
    return found


def _slots(session: Session, now: datetime) -> Slots:
    is_live = and_(Desktop.worked_by == CloneSlot.holder, Desktop.worked_until >= now)
    rows = session.execute(
        select(
            CloneSlot.source_vmid,
            CloneSlot.storage,
            CloneSlot.number,
            CloneSlot.holder,
            func.coalesce(is_live, False).label("is_live"),
        ).join(Desktop, Desktop.id == CloneSlot.desktop_id)
    ).all()
    live = [row for row in rows if row.is_live]
    numbers: dict[str, frozenset[int]] = {}
    for row in live:
        numbers[row.storage] = numbers.get(row.storage, frozenset()) | {row.number}
    return Slots(
        frozenset(row.source_vmid for row in live),
        numbers,
        [row.holder for row in rows if not row.is_live],
    )
