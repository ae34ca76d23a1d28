"""All metrics of /metrics, from the database alone, with a fixed number of queries."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.connections.target import WAYS
from webapp.domain.states import HOLDS_RESOURCES, State
from webapp.domain.statistics import metrics
from webapp.domain.statistics.metrics import Family, Metric, Sample
from webapp.domain.upkeep.health import WORKER_SILENT
from webapp.models import (
    AddressReservation,
    Connection,
    Desktop,
    Template,
    VmidReservation,
    WorkerBeat,
)
from webapp.ports import Clock, Database
from webapp.services.desktops.guest_troubles import is_marked
from webapp.services.statistics.node_metrics import node_families
from webapp.services.statistics.tallies import Tallies

#: The owner label of a desktop.
_OWNER = case((Desktop.owner_id.is_(None), "pool"), else_="person")


class Metrics:
    """Reads all metrics in one snapshot."""

    def __init__(self, db: Database, clock: Clock, config: Config, tallies: Tallies) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._tallies = tallies

    def collect(self) -> list[Family]:
        """Returns every metric of `domain.metrics.METRICS`. Raises OutsideFailed if the database
        does not answer."""
        with self._db.snapshot() as session:
            now = self._clock.now()
            return [
                *self._tallies.families(session),
                *_desktops(session),
                *_queue(session, now),
                *_lags(session, now),
                *self._reservations(session),
                *_connections(session),
                *_workers(session, now),
                *node_families(session, self._config, now),
                _one(metrics.MARK_AGE, _seconds(now, self._tallies.mark(session))),
            ]

    def _reservations(self, session: Session) -> list[Family]:
        pool = self._config.addresses
        held = {
            "vmid": session.scalar(select(func.count(VmidReservation.vmid))),
            "address": session.scalar(select(func.count(AddressReservation.address))),
        }
        there_are = {
            "vmid": len(self._config.vmids),
            "address": int(pool.last) - int(pool.first) + 1,
        }
        return [
            Family(metric, [Sample((kind,), value or 0) for kind, value in values.items()])
            for metric, values in ((metrics.RESERVATIONS, held), (metrics.RESERVABLE, there_are))
        ]


def _desktops(session: Session) -> list[Family]:
    rows = session.execute(
        select(Template.name, Desktop.state, _OWNER.label("owner"), func.count())
        .join(Template, Template.id == Desktop.template_id)
        .where(Desktop.state.in_(HOLDS_RESOURCES))
        .group_by(Template.name, Desktop.state, "owner")
    )
    samples = [Sample((name, state, owner), count) for name, state, owner, count in rows]
    marked = session.scalar(select(func.count()).where(is_marked()))
    return [Family(metrics.DESKTOPS, samples), _one(metrics.ANSWERING_BADLY, marked or 0)]


def _queue(session: Session, now: datetime) -> list[Family]:
    rows = session.execute(
        select(_OWNER.label("owner"), func.count(), func.min(Desktop.created_at))
        .where(Desktop.state == State.QUEUED)
        .group_by("owner")
    )
    waiting = {owner: (count, first) for owner, count, first in rows}
    lengths, ages = [], []
    for owner in ("person", "pool"):
        count, first = waiting.get(owner, (0, None))
        lengths.append(Sample((owner,), count))
        ages.append(Sample((owner,), _seconds(now, first)))
    return [Family(metrics.QUEUE_LENGTH, lengths), Family(metrics.QUEUE_OLDEST, ages)]


def _lags(session: Session, now: datetime) -> list[Family]:
    overdue = session.scalar(_earliest(Desktop.deadline_at, Desktop.state == State.READY))
    going = session.scalar(_earliest(Desktop.stop_requested_at, Desktop.state == State.STOPPING))
    return [
        _one(metrics.OVERDUE, _seconds(now, overdue)),
        _one(metrics.TEARDOWN_OLDEST, _seconds(now, going)),
    ]


def _earliest(column: Any, where: ColumnElement[bool]) -> Select[Any]:
    return select(func.min(column)).where(where)


def _connections(session: Session) -> list[Family]:
    """Connections by protocol, door and kind of target; 0 where there are none now."""
    labels = (Connection.protocol, Connection.door, Connection.target_kind)
    query = select(*labels, func.count()).where(Connection.ended_at.is_(None)).group_by(*labels)
    counts: dict[tuple[str, ...], int] = {
        (way.protocol, door, kind): 0 for door, way in WAYS.items() for kind in way.targets
    }
    for *values, count in session.execute(query):
        counts[tuple(values)] = count
    samples = [Sample(values, count) for values, count in sorted(counts.items())]
    return [Family(metrics.OPEN_CONNECTIONS, samples)]


def _workers(session: Session, now: datetime) -> list[Family]:
    beats = session.scalars(select(WorkerBeat).order_by(WorkerBeat.seen_at.desc())).all()
    living = [beat for beat in beats if now - beat.seen_at <= WORKER_SILENT]
    answers = [beat.proxmox_seen_at for beat in beats if beat.proxmox_seen_at]
    is_up = bool(living) and living[0].proxmox_trouble is None
    families = [_one(metrics.WORKERS, len(living)), _one(metrics.PROXMOX_UP, is_up)]
    if beats:
        families.append(_one(metrics.WORKER_AGE, _seconds(now, beats[0].seen_at)))
    if answers:
        families.append(_one(metrics.PROXMOX_AGE, _seconds(now, max(answers))))
    return families


def _one(metric: Metric, value: float) -> Family:
    return Family(metric, [Sample((), value)])


def _seconds(now: datetime, moment: datetime | None) -> float:
    """Seconds since `moment`; 0 if it is None or in the future."""
    return max((now - moment).total_seconds(), 0.0) if moment else 0.0
