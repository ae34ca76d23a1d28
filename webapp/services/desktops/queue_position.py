"""The position of a waiting launch: its place, the time until it is ready, and what blocks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.desktops.estimate import CLONE_STEP, estimate
from webapp.domain.desktops.waiting import NOTHING, Build, wait_until_ready
from webapp.domain.nodes.placement import Wait
from webapp.domain.states import State
from webapp.domain.upkeep.health import WORKER_SILENT
from webapp.models import Desktop, DesktopStep, WorkerBeat
from webapp.ports import Clock, Database
from webapp.services.fair_turns import fair_order
from webapp.services.nodes.cluster import Cluster, read_cluster

#: Number of builds that an estimate is based on.
MEASURED = 20


@dataclass(frozen=True)
class QueuePosition:
    """The position of a launch that has not begun."""

    place: int
    """1 is next."""
    ready_in: timedelta | None
    """None: there is no measurement yet, no worker runs, or `wait` is set."""
    wait: Wait | None = None
    """What blocks the launch, apart from launches ahead of it."""


class QueuePositions:
    """Reports the position of a desktop in the build queue."""

    def __init__(self, db: Database, clock: Clock, config: Config) -> None:
        self._db = db
        self._clock = clock
        self._config = config

    def of(self, desktop: Desktop) -> QueuePosition | None:
        """The position of `desktop`; None if it is not waiting."""
        now = self._clock.now()
        if desktop.state != State.QUEUED:
            return None
        with self._db.read() as session:
            cluster = read_cluster(session, self._config, now)
            ahead = _ahead(session, desktop, now)
            verdict = cluster.place(desktop.template_id, None)
            wait = verdict if isinstance(verdict, Wait) and verdict != Wait.BUSY else None
            ready_in = None if wait else self._ready_in(session, [*ahead, desktop], cluster)
        return QueuePosition(len(ahead) + 1, ready_in, wait)

    def _ready_in(
        self, session: Session, queue: Sequence[Desktop], cluster: Cluster
    ) -> timedelta | None:
        builds: list[Build] = []
        measured: dict[int, Build | None] = {}
        for one in queue:
            if one.template_id not in measured:
                measured[one.template_id] = _measure(session, one.template_id)
            build = measured[one.template_id]
            if build is None:
                return None
            builds.append(build)
        return wait_until_ready(
            builds,
            self._slots(session, measured, cluster.now),
            {template_id: len(sources) for template_id, sources in cluster.sources.items()},
        )

    def _slots(
        self, session: Session, measured: dict[int, Build | None], now: datetime
    ) -> list[timedelta]:
        """The time until each slot of the running workers is free. Pool builds do not count: they
        give way at once."""
        workers = select(func.count()).where(WorkerBeat.seen_at > now - WORKER_SILENT)
        count = (session.scalar(workers) or 0) * self._config.worker_slots
        running = session.execute(
            select(Desktop.template_id, Desktop.build_started_at).where(
                Desktop.state == State.BUILDING,
                Desktop.owner_id.is_not(None),
                Desktop.worked_until >= now,
            )
        ).all()
        left = []
        for template_id, began in running[:count]:
            build = measured.get(template_id) or _measure(session, template_id)
            took = now - began if began else NOTHING
            left.append(max(build.whole - took, NOTHING) if build else NOTHING)
        return [*left, *[NOTHING] * (count - len(left))]


def _ahead(session: Session, desktop: Desktop, now: datetime) -> list[Desktop]:
    """Launches of people that come before this one."""
    queue = session.scalars(
        select(Desktop)
        .where(Desktop.state == State.QUEUED, Desktop.owner_id.is_not(None))
        .order_by(*fair_order(now))
    )
    return list(takewhile(lambda one: one.id != desktop.id, queue))


def _measure(session: Session, template_id: int) -> Build | None:
    """The template's usual build times, from its latest builds; None before the first."""
    ended = func.coalesce(Desktop.warmed_at, Desktop.ready_at)
    builds = session.execute(
        select(Desktop.build_started_at, ended)
        .where(Desktop.template_id == template_id, ended > Desktop.build_started_at)
        .order_by(ended.desc())
        .limit(MEASURED)
    ).all()
    clones = session.execute(
        select(DesktopStep.started_at, DesktopStep.finished_at)
        .join(Desktop)
        .where(
            Desktop.template_id == template_id,
            DesktopStep.name == CLONE_STEP,
            DesktopStep.finished_at.is_not(None),
        )
        .order_by(DesktopStep.id.desc())
        .limit(MEASURED)
    ).all()
    whole = estimate([end - begin for begin, end in builds if begin])
    if whole is None:
        return None
    clone = estimate([end - begin for begin, end in clones if end]) or NOTHING
    return Build(template_id, min(clone, whole), whole)
