"""Metrics of nodes, room, pools, findings and the doctor's last examination."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.statistics import metrics
from webapp.domain.statistics.metrics import Family, Metric, Sample
from webapp.domain.upkeep.health import Health
from webapp.models import Checkup, CloneSlot, Desktop, FindingRow, Node
from webapp.services.desktops.gate import LaunchGate
from webapp.services.pool.plan import look_at_pools

MIB, GIB = 2**20, 2**30


def node_families(session: Session, config: Config, now: datetime) -> list[Family]:
    """Returns all of these metrics. `session` must read one snapshot."""
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
    """One sample per node; nodes with an unknown value are left out."""
    known = [Sample((name,), value) for name, value in values.items() if value is not None]
    return Family(metric, known)


def _times(value: int | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _room(session: Session, config: Config, now: datetime) -> list[Family]:
    gates = LaunchGate(config).stand(session, now).values()
    fits = [Sample((one.template.name,), one.fits) for one in gates if one.fits is not None]
    resting = [Sample((one.template.name,), one.rest is not None) for one in gates]
    clones = session.scalar(
        select(func.count(CloneSlot.source_vmid))
        .join(Desktop, Desktop.id == CloneSlot.desktop_id)
        .where(Desktop.worked_by == CloneSlot.holder, Desktop.worked_until >= now)
    )
    return [
        Family(metrics.CAPACITY, fits),
        Family(metrics.RESTING, resting),
        Family(metrics.CLONES, [Sample((), clones or 0)]),
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
