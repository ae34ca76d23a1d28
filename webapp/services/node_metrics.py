"""What /metrics tells of nodes, room, pools, findings and the doctor's last examination."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain import metrics
from webapp.domain.health import Health
from webapp.domain.metrics import Family, Metric, Sample
from webapp.domain.placement import count_fitting
from webapp.models import Checkup, FindingRow, Node, Template
from webapp.services.cluster import read_cluster
from webapp.services.pool_sight import look_at_pools

MIB, GIB = 2**20, 2**30


def node_families(session: Session, config: Config, now: datetime) -> list[Family]:
    """All of them, from a session that reads one snapshot."""
    return [
        *_nodes(session),
        *_room(session, config, now),
        _pools(session, config, now),
        _findings(session),
        _doctor(session),
    ]


def _nodes(session: Session) -> list[Family]:
    nodes = session.scalars(select(Node).order_by(Node.name)).all()
    return [
        _of_nodes(metrics.NODE_ONLINE, {n.name: n.is_online and not n.trouble for n in nodes}),
        _of_nodes(metrics.NODE_ANSWER, {n.name: _times(n.answered_ms, 0.001) for n in nodes}),
        _of_nodes(metrics.NODE_MEMORY, {n.name: _times(n.memory_mb, MIB) for n in nodes}),
        _of_nodes(metrics.NODE_FREE, {n.name: _times(n.free_mb, MIB) for n in nodes}),
        _of_nodes(
            metrics.NODE_STORAGE_FREE, {n.name: _times(n.storage_free_gb, GIB) for n in nodes}
        ),
    ]


def _of_nodes(metric: Metric, values: dict[str, float | None]) -> Family:
    """What is not known is not told."""
    known = [Sample((name,), value) for name, value in values.items() if value is not None]
    return Family(metric, known)


def _times(value: int | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _room(session: Session, config: Config, now: datetime) -> list[Family]:
    cluster = read_cluster(session, config, now)
    rooms = list(cluster.rooms.values())
    names = {one.id: one.name for one in session.scalars(select(Template))}
    fitting = {
        names[key]: count_fitting(rooms, need, config.node_reserve_mb) if rooms else None
        for key, need in cluster.needs.items()
    }
    samples = [Sample((name,), fits) for name, fits in fitting.items() if fits is not None]
    return [
        Family(metrics.CAPACITY, samples),
        Family(metrics.CLONES, [Sample((), len(cluster.slots.sources))]),
    ]


def _pools(session: Session, config: Config, now: datetime) -> Family:
    views = look_at_pools(session, config, now)
    samples = [Sample((view.template.name,), view.size.desktops) for view in views]
    return Family(metrics.POOL_TARGET, samples)


def _findings(session: Session) -> Family:
    rows = session.execute(
        select(FindingRow.kind, func.count())
        .where(FindingRow.resolved_at.is_(None))
        .group_by(FindingRow.kind)
    )
    return Family(metrics.FINDINGS, [Sample((kind,), count) for kind, count in rows])


def _doctor(session: Session) -> Family:
    rows = session.execute(select(Checkup.health, func.count()).group_by(Checkup.health))
    found = {row.health: row[1] for row in rows}
    return Family(metrics.DOCTOR, [Sample((one,), found.get(one, 0)) for one in Health])
