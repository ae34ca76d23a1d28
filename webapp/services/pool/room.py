"""How many desktops the pools may hold: a little less than what people leave free."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.nodes.placement import count_fitting
from webapp.domain.pool.sizes import decide_room
from webapp.domain.states import HOLDS_RESOURCES, State
from webapp.domain.upkeep.health import WORKER_SILENT
from webapp.models import Desktop, Node, WorkerBeat
from webapp.services.nodes.cluster import read_cluster


def builds_at_once(session: Session, config: Config, now: datetime) -> int:
    """Number of pool builds that can run at once. Of two or more slots per worker, one is kept for
    people."""
    alive = session.scalar(select(func.count()).where(WorkerBeat.seen_at > now - WORKER_SILENT))
    return max(1, alive or 0) * max(1, config.worker_slots - 1)


def read_room(session: Session, config: Config, pooled: Sequence[Desktop], now: datetime) -> int:
    """Number of desktops that all pools together may hold; `pooled` are their present ones."""
    addresses = int(config.addresses.last) - int(config.addresses.first) + 1
    held = session.scalar(select(func.count()).where(Desktop.state.in_(HOLDS_RESOURCES))) or 0
    return decide_room(
        places=min(config.max_desktops_total, len(config.vmids), addresses),
        others=held - len(pooled),
        pooled=len(pooled),
        begun=sum(one.state != State.QUEUED for one in pooled) + _leaving(session),
        fits=_fits(session, config, now),
        ahead=_ahead(session),
    )


def _fits(session: Session, config: Config, now: datetime) -> int | None:
    """How many more desktops of the largest template fit into the nodes' memory; None if
    unknown."""
    cluster = read_cluster(session, config, now)
    if not cluster.rooms:  # no worker has checked the nodes yet
        return None
    need = max(cluster.needs.values(), default=1)
    return count_fitting(cluster.rooms.values(), need, config.node_reserve_mb)


def _leaving(session: Session) -> int:
    """Number of desktops whose memory is being freed, or was freed since the last check of the
    nodes."""
    seen_at = select(func.min(Node.seen_at)).scalar_subquery()
    has_ended = and_(Desktop.state == State.ENDED, Desktop.ended_at > seen_at)
    is_going = or_(Desktop.state == State.STOPPING, has_ended)
    return session.scalar(select(func.count()).where(is_going, Desktop.node.is_not(None))) or 0


def _ahead(session: Session) -> int:
    """Number of people's desktops that have no place on a node yet."""
    return (
        session.scalar(
            select(func.count()).where(Desktop.state == State.QUEUED, Desktop.owner_id.is_not(None))
        )
        or 0
    )
