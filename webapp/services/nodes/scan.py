"""The worker's check of the cluster: records nodes, template replicas and measured memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp.domain.desktops.capacity import SETTLED, is_news, measure_mb
from webapp.domain.states import State
from webapp.models import Desktop, Node, Template, TemplateReplica
from webapp.ports import Clock, ClusterSnapshot, Container, Database, Hypervisor, NodeSnapshot

#: Locks that an interrupted clone or create leaves behind; they never expire.
LEFT_BEHIND = frozenset({"disk", "create"})


class NodeWatch:
    """Reads the state of Proxmox and stores what the web and the placements need."""

    def __init__(self, db: Database, clock: Clock, hypervisor: Hypervisor) -> None:
        self._db = db
        self._clock = clock
        self._hypervisor = hypervisor

    def look(self) -> None:
        """Check once. Raises OutsideFailed, and changes nothing, if Proxmox does not answer."""
        sight = self._hypervisor.look()
        now = self._clock.now()
        with self._db.begin() as session:
            _write_nodes(session, sight.nodes, now)
            _write_replicas(session, sight, now)
            _write_memory(session, sight.containers.values())


def _write_nodes(session: Session, sights: Sequence[NodeSnapshot], now: datetime) -> None:
    known = {node.name: node for node in session.scalars(select(Node))}
    for sight in sights:
        node = known.pop(sight.name, None)
        if node is None:
            node = Node(name=sight.name, is_enabled=True)
            session.add(node)
        node.seen_at = now
        node.is_online = sight.is_online
        node.trouble = sight.trouble[:300] if sight.trouble else None
        node.answered_ms = round(sight.answered.total_seconds() * 1000) if sight.answered else None
        if sight.is_online:
            node.memory_mb, node.free_mb = sight.memory_mb, sight.free_mb
            node.storage_gb, node.storage_free_gb = sight.storage_gb, sight.storage_free_gb
            node.storage_is_shared = sight.storage_is_shared
    if known:  # they left the cluster
        session.execute(delete(Node).where(Node.name.in_(known)))


def _write_replicas(session: Session, sight: ClusterSnapshot, now: datetime) -> None:
    replicas = session.scalars(select(TemplateReplica)).all()
    for replica in [*replicas, *_new_ones(session, replicas, sight, now)]:
        there = sight.containers.get(replica.vmid)
        replica.is_missing = there is None and replica.node not in sight.containers.silent
        if there is None:
            continue
        replica.node = there.node  # it may have been moved
        replica.lock = there.lock
        if there.lock not in LEFT_BEHIND or replica.vmid in sight.in_work:
            replica.locked_at = None
        else:
            replica.locked_at = replica.locked_at or now


def _new_ones(
    session: Session, known: Sequence[TemplateReplica], sight: ClusterSnapshot, now: datetime
) -> list[TemplateReplica]:
    """Adds a replica for each template published before replicas existed, where it was found."""
    have = {one.template_id for one in known if one.retired_at is None}
    vmids = {one.vmid for one in known}
    made = []
    for template in session.scalars(select(Template)):
        there = sight.containers.get(template.vmid)
        if template.id in have or template.vmid in vmids or not (there and there.is_template):
            continue
        replica = TemplateReplica(
            vmid=template.vmid,
            template_id=template.id,
            node=there.node,
            version=template.version,
            published_at=template.published_at or now,
        )
        session.add(replica)
        made.append(replica)
    return made


def _write_memory(session: Session, containers: Iterable[Container]) -> None:
    """Store the measured memory use of ready desktops, by template."""
    ready = session.execute(
        select(Desktop.vmid, Desktop.template_id).where(Desktop.state == State.READY)
    )
    template_of = {row.vmid: row.template_id for row in ready}
    samples: dict[int, list[int]] = {}
    for one in containers:
        is_settled = one.uptime is not None and one.uptime >= SETTLED
        if one.memory_mb and is_settled and one.vmid in template_of:
            samples.setdefault(template_of[one.vmid], []).append(one.memory_mb)
    for template_id, used in samples.items():
        measured = measure_mb(used)
        known = session.scalar(select(Template.memory_used_mb).where(Template.id == template_id))
        if measured and is_news(measured, known):
            session.execute(
                update(Template).where(Template.id == template_id).values(memory_used_mb=measured)
            )
