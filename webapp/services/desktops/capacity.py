"""Free capacity of the cluster, for the launch page and the admin's pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.errors import NotFound
from webapp.domain.nodes.placement import count_fitting
from webapp.domain.states import HOLDS_RESOURCES
from webapp.models import Desktop, Node, TemplateReplica
from webapp.ports import Clock, Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit
from webapp.services.desktops.gate import Gate, LaunchGate
from webapp.services.nodes.cluster import SNAPSHOT_LASTS, Cluster, read_cluster
from webapp.services.templates.retirement import count_clones


@dataclass(frozen=True)
class ReplicaView:
    """A template's container on a node, and what prevents cloning it."""

    template: str
    version: str
    vmid: int
    node: str
    is_missing: bool
    lock: str | None
    locked_at: datetime | None
    is_stuck: bool
    is_in_use: bool
    """Whether a desktop is being cloned from it now."""
    is_retired: bool
    """Whether another version replaced it."""
    clones: int
    """Number of desktops that must end before it is removed."""
    removal_trouble: str | None

    @property
    def cure(self) -> str:
        """The command that removes a stale lock, to be run as root on the node."""
        return f"pct unlock {self.vmid}" if self.is_stuck else ""


@dataclass(frozen=True)
class NodeView:
    """A node as the admin's pages show it."""

    node: Node
    is_fresh: bool
    """Whether a worker checked it recently."""
    desktops: int
    """Number of desktops that hold resources there."""
    fits: int | None
    """How many more desktops of the largest template fit; None if its memory is unknown."""
    replicas: Sequence[ReplicaView]


@dataclass(frozen=True)
class ClusterView:
    """The whole cluster."""

    nodes: Sequence[NodeView]
    stuck: Sequence[ReplicaView]
    down: Sequence[NodeView]
    fits: int | None
    removes_old: bool
    """Whether old versions of templates are removed when no longer needed."""


class Capacity:
    """Reads the cluster for pages and commands, and switches nodes on and off."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, audit: Audit, gate: LaunchGate
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit
        self._gate = gate

    def gates(self) -> Mapping[int, Gate]:
        """The gate of each template that can be launched, by template id."""
        with self._db.read() as session:
            return self._gate.stand(session, self._clock.now())

    def view(self) -> ClusterView:
        """The nodes with their templates, stuck replicas, nodes that are down, and what fits."""
        now = self._clock.now()
        with self._db.read() as session:
            cluster = read_cluster(session, self._config, now)
            replicas = _replicas(session, cluster, self._config.stale_lock)
            counts = _counts(session)
            nodes = session.scalars(select(Node).order_by(Node.name)).all()
        views = [
            NodeView(
                node=node,
                is_fresh=now - node.seen_at <= SNAPSHOT_LASTS,
                desktops=counts.get(node.name, 0),
                fits=self._fits(cluster, [node.name]),
                replicas=[one for one in replicas if one.node == node.name],
            )
            for node in nodes
        ]
        return ClusterView(
            nodes=views,
            stuck=[one for one in replicas if one.is_stuck],
            down=[one for one in views if one.is_fresh and one.node.trouble],
            fits=self._fits(cluster, sorted({one.node for one in replicas if not one.is_retired})),
            removes_old=bool(self._config.template_keep),
        )

    def set_enabled(self, actor: Actor, name: str, enabled: bool) -> None:
        """Set whether a node takes new desktops; those on it stay. Raises NotFound."""
        action = "node.use" if enabled else "node.drain"
        with self._audit.refusals(actor, action, name), self._db.begin() as session:
            check(actor, Action.NODE_MANAGE)
            node = session.get(Node, name)
            if node is None:
                raise NotFound("node", name=name[:64])
            node.is_enabled = enabled
            self._audit.record(session, actor, action, name)

    def _fits(self, cluster: Cluster, names: Sequence[str]) -> int | None:
        need = max(cluster.needs.values(), default=0)
        rooms = [cluster.rooms[name] for name in names if name in cluster.rooms]
        if not (need and rooms):
            return None
        return count_fitting(rooms, need, self._config.node_reserve_mb)


def _replicas(session: Session, cluster: Cluster, stale: timedelta) -> list[ReplicaView]:
    clones = count_clones(session)
    rows = session.scalars(
        select(TemplateReplica).order_by(
            TemplateReplica.node, TemplateReplica.retired_at.is_not(None), TemplateReplica.vmid
        )
    )
    return [
        ReplicaView(
            template=one.template.title,
            version=one.version,
            vmid=one.vmid,
            node=one.node,
            is_missing=one.is_missing,
            lock=one.lock,
            locked_at=one.locked_at,
            is_stuck=not one.retired_at
            and one.locked_at is not None
            and cluster.now - one.locked_at >= stale,
            is_in_use=one.vmid in cluster.slots.sources,
            is_retired=one.retired_at is not None,
            clones=clones.get(one.vmid, 0),
            removal_trouble=one.removal_trouble,
        )
        for one in rows
    ]


def _counts(session: Session) -> dict[str, int]:
    rows = session.execute(
        select(Desktop.node, func.count())
        .where(Desktop.node.is_not(None), Desktop.state.in_(HOLDS_RESOURCES))
        .group_by(Desktop.node)
    )
    return {name: count for name, count in rows if name}
