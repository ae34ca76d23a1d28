"""Reads the pools from the database: how large each should be, what exists, and what to do.

The same read serves the worker that acts on it and the pages that show it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, lazyload

from webapp.config import Config
from webapp.domain.pool.schedule import Due, decide_due
from webapp.domain.pool.sizes import (
    LARGEST,
    LONGEST_COOL_DOWN,
    PoolDesktop,
    Size,
    Steps,
    Why,
    busiest,
    cool_down_until,
    decide_size,
    decide_steps,
    share_room,
)
from webapp.domain.states import State
from webapp.domain.templates.breaker import find_cool_down
from webapp.models import Desktop, PoolSchedule, Template
from webapp.services.desktops.gate import read_records
from webapp.services.pool.room import builds_at_once, read_room

OfTemplate = TypeVar("OfTemplate", Desktop, PoolSchedule)
#: States of a desktop that belongs to a pool.
IN_POOL = (State.QUEUED, State.BUILDING, State.WARM)
#: How far back launches are read: the longest schedule plus the time to build its desktops.
LAUNCHES_OF = timedelta(hours=30)
#: Maximum number of launches to read: twice the largest pool, as no size depends on more.
MOST_LAUNCHES = 2 * LARGEST
#: Number of latest builds that the usual build time is based on.
MEASURED = 20


@dataclass(frozen=True)
class PoolView:
    """A snapshot of one template's pool."""

    template: Template
    size: Size
    demand: int
    due: Due
    desktops: Sequence[Desktop]
    """Queued, building and warm desktops, oldest first."""
    schedules: Sequence[PoolSchedule]
    failures: Sequence[datetime]
    """Times of the consecutive failed builds since the last successful one."""
    steps: Steps
    resting_until: datetime | None

    @property
    def warm(self) -> list[Desktop]:
        return [one for one in self.desktops if one.state == State.WARM]

    @property
    def making(self) -> list[Desktop]:
        return [one for one in self.desktops if one.state != State.WARM]


def look_at_pools(session: Session, config: Config, now: datetime) -> list[PoolView]:
    """All templates, by name, with their pools."""
    templates = list(session.scalars(select(Template).order_by(Template.name)))
    desktops = _by_template(_pool_desktops(session))
    schedules = _by_template(session.scalars(select(PoolSchedule).order_by(PoolSchedule.id)))
    at_once = builds_at_once(session, config, now)
    wishes = {
        one.id: _wish(session, config, now, one, schedules[one.id], at_once)
        if one.pool_max
        else _no_wish(one, schedules[one.id])
        for one in templates
    }
    pooled = [one for rows in desktops.values() for one in rows]
    room = read_room(session, config, pooled, now) if pooled or _is_any_wanted(wishes) else 0
    sizes = share_room(
        {key: wish.size for key, wish in wishes.items()},
        {one.id: one.pool_min for one in templates},
        room,
    )
    making = sum(one.state != State.WARM for one in pooled)
    # One more than there is room for: an old desktop is replaced before it is removed.
    free = min(2 * at_once - making, room + 1 - len(pooled))
    views = []
    for template in templates:
        view = _view(wishes[template.id], sizes[template.id], desktops[template.id], now, free)
        free -= view.steps.build
        views.append(view)
    return views


def is_current(desktop: Desktop) -> bool:
    """Whether a pool desktop was built from its template as it is now."""
    changed_at = desktop.template.changed_at
    return desktop.template_version == desktop.template.version and (
        changed_at is None
        or desktop.build_started_at is None
        or desktop.build_started_at >= changed_at
    )


# -- parts --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Wanted:
    """The wanted state of a template's pool, before the room is shared."""

    template: Template
    size: Size
    demand: int
    due: Due
    schedules: Sequence[PoolSchedule]
    failures: Sequence[datetime]
    resting_until: datetime | None


def _wish(
    session: Session,
    config: Config,
    now: datetime,
    template: Template,
    schedules: Sequence[PoolSchedule],
    at_once: int,
) -> _Wanted:
    demand, due = 0, Due()
    if template.pool_follows_demand or schedules:
        launches = _launches(session, template, now)
        demand = busiest(launches, now)
        due = decide_due(
            [row.schedule for row in schedules],
            config.time_zone,
            now,
            launches=launches,
            usual_build=usual_build(session, template) if schedules else None,
            at_once=at_once,
        )
    size = decide_size(template.pool, demand=demand, scheduled=due.desktops)
    if not template.is_enabled:
        size = Size(0, Why.NOT_OFFERED)
    failures = _failures(session, template, now)
    resting_until = _cool_down_until(session, template, failures, now)
    return _Wanted(template, size, demand, due, schedules, failures, resting_until)


def _view(
    wish: _Wanted, size: Size, desktops: Sequence[Desktop], now: datetime, free: int
) -> PoolView:
    resting_until = wish.resting_until
    if wish.failures:  # after a failure build one at a time, until one succeeds
        is_trying = any(one.state != State.WARM for one in desktops)
        is_resting = resting_until is not None and now < resting_until
        free = 0 if is_resting or is_trying else min(free, 1)
    return PoolView(
        template=wish.template,
        size=size,
        demand=wish.demand,
        due=wish.due,
        desktops=desktops,
        schedules=wish.schedules,
        failures=wish.failures,
        steps=decide_steps(
            [_as_pool_desktop(one) for one in desktops],
            size.desktops,
            wish.template.pool.longest_age,
            now,
            free,
        ),
        resting_until=resting_until,
    )


def _no_wish(template: Template, schedules: Sequence[PoolSchedule]) -> _Wanted:
    return _Wanted(template, Size(0, Why.OFF), 0, Due(), schedules, [], None)


def _pool_desktops(session: Session) -> Iterable[Desktop]:
    return session.scalars(
        select(Desktop)
        .where(*_pooled(), Desktop.state.in_(IN_POOL))
        .options(lazyload(Desktop.owner))
        .order_by(func.coalesce(Desktop.warmed_at, Desktop.created_at), Desktop.id)
    )


def _pooled() -> tuple[ColumnElement[bool], ...]:
    return (Desktop.owner_id.is_(None), Desktop.launched_at.is_(None))


def _is_any_wanted(wishes: Mapping[int, _Wanted]) -> bool:
    return any(wish.size.desktops for wish in wishes.values())


def _by_template(rows: Iterable[OfTemplate]) -> Mapping[int, list[OfTemplate]]:
    found: defaultdict[int, list[OfTemplate]] = defaultdict(list)
    for row in rows:
        found[row.template_id].append(row)
    return found


def _as_pool_desktop(desktop: Desktop) -> PoolDesktop:
    return PoolDesktop(
        desktop.public_id,
        desktop.state,
        desktop.warmed_at or desktop.created_at,
        is_current(desktop),
    )


def _launches(session: Session, template: Template, now: datetime) -> Sequence[datetime]:
    """Times of this template's launches, warm or not, newest first, within LAUNCHES_OF and
    MOST_LAUNCHES."""
    times = session.scalars(
        select(Desktop.launched_at)
        .where(Desktop.template_id == template.id, Desktop.launched_at >= now - LAUNCHES_OF)
        .order_by(Desktop.launched_at.desc())
        .limit(MOST_LAUNCHES)
    )
    return [at for at in times if at is not None]


def usual_build(session: Session, template: Template) -> timedelta | None:
    """The median duration of the latest builds; None if there were none."""
    done_at = func.coalesce(Desktop.warmed_at, Desktop.ready_at)
    rows = session.execute(
        select(Desktop.build_started_at, Desktop.warmed_at, Desktop.ready_at)
        .where(Desktop.template_id == template.id, done_at.is_not(None))
        .order_by(Desktop.id.desc())
        .limit(MEASURED)
    )
    took = [
        (done - began).total_seconds()
        for began, warmed_at, ready_at in rows
        if began and (done := warmed_at or ready_at) and done >= began
    ]
    return timedelta(seconds=median(took)) if took else None


def _failures(session: Session, template: Template, now: datetime) -> list[datetime]:
    """Times of recent consecutive failed builds, for the pool or for people, since the template
    last changed."""
    since = max(now - 2 * LONGEST_COOL_DOWN, template.changed_at or now - 2 * LONGEST_COOL_DOWN)
    of_this = Desktop.template_id == template.id
    failed = session.scalars(
        select(Desktop.failed_at).where(
            of_this,
            Desktop.failed_at >= since,
            Desktop.ready_at.is_(None),
            Desktop.warmed_at.is_(None),
        )
    )
    times = [at for at in failed if at is not None]
    if not times:
        return []
    built_at = func.coalesce(Desktop.warmed_at, Desktop.ready_at)
    good = session.scalar(select(func.max(built_at)).where(of_this, built_at >= since))
    return sorted(at for at in times if good is None or at > good)


def _cool_down_until(
    session: Session, template: Template, failures: Sequence[datetime], now: datetime
) -> datetime | None:
    """End of the pool's rest after failures, or of the template's own rest if that is later."""
    own = cool_down_until(failures)
    if own is None:
        return None
    rest = find_cool_down(read_records(session, now, template.id)[template.id], now)
    return max(own, rest.until) if rest else own
