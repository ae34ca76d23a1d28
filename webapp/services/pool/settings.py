"""The pools for administrators: viewing, sizing, scheduling and draining them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.errors import BadInput, NotFound
from webapp.domain.pool.schedule import (
    Schedule,
    parse_day,
    parse_hour,
    parse_weekdays,
    weekdays_text,
)
from webapp.domain.pool.sizes import LARGEST, Drain, PoolNumbers, check_numbers
from webapp.domain.states import State
from webapp.models import PoolSchedule, Template
from webapp.ports import Clock, Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit
from webapp.services.pool.keeper import drain_desktop
from webapp.services.pool.plan import PoolView, look_at_pools

#: Upper bound of a warm desktop's maximum age, in minutes: four weeks.
OLDEST = 40_320
#: The numeric settings of a pool, with their lowest and highest values.
NUMBERS: dict[str, tuple[int, int]] = {
    "min": (0, LARGEST),
    "target": (0, LARGEST),
    "max": (0, LARGEST),
    "max_age_minutes": (5, OLDEST),
}
MOST_SCHEDULES = 50


@dataclass(frozen=True)
class ScheduleRequest:
    """A schedule as it was entered."""

    desktops: int
    begins: str
    """`10:00`"""
    ends: str
    every: str = ""
    """Days of the week, such as `mon-fri`; empty for a schedule on a date."""
    on: str = ""
    """A date such as `2026-03-02`; empty for a weekly schedule."""
    in_all: bool = False


class Pools:
    """Changes the settings of pools; a worker carries them out."""

    def __init__(self, db: Database, clock: Clock, config: Config, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit

    def all(self) -> list[PoolView]:
        """Every template with its pool, by name."""
        with self._db.read() as session:
            return look_at_pools(session, self._config, self._clock.now())

    def one(self, name: str) -> PoolView:
        """One template's pool. Raises NotFound."""
        for view in self.all():
            if view.template.name == name:
                return view
        raise _no_template(name)

    def change(self, actor: Actor, name: str, values: Mapping[str, int | bool]) -> None:
        """Set some of the pool's numbers (`NUMBERS`) and `follows_demand`; others are unchanged.

        Raises BadInput when they contradict each other.
        """
        with self._audit.refusals(actor, "pool.set", name), self._db.begin() as session:
            check(actor, Action.POOL_CHANGE)
            template = _template(session, name)
            for key, value in values.items():
                if key != "follows_demand":
                    _check_number(key, value)
                setattr(template, f"pool_{key}", value)
            check_numbers(template.pool)
            self._audit.record(session, actor, "pool.set", name, _words(template.pool))

    def add_schedule(self, actor: Actor, name: str, wish: ScheduleRequest) -> int:
        """Schedule desktops for weekly hours or a date. Returns the schedule's id. Raises
        BadInput."""
        with self._audit.refusals(actor, "pool.schedule", name), self._db.begin() as session:
            check(actor, Action.POOL_CHANGE)
            template = _template(session, name)
            schedule = self._schedule(session, template, wish)
            row = PoolSchedule(
                template=template,
                desktops=schedule.desktops,
                in_all=schedule.in_all,
                weekdays=weekdays_text(schedule.weekdays),
                on_date=schedule.on,
                begins=schedule.begins,
                ends=schedule.ends,
                created_at=self._clock.now(),
            )
            session.add(row)
            session.flush()
            self._audit.record(session, actor, "pool.schedule", name, schedule_words(schedule))
            return row.id

    def remove_schedule(self, actor: Actor, schedule_id: int) -> str:
        """Delete a schedule. Returns the name of its template. Raises NotFound."""
        refusals = self._audit.refusals(actor, "pool.unschedule", f"schedule {schedule_id}")
        with refusals, self._db.begin() as session:
            check(actor, Action.POOL_CHANGE)
            row = session.get(PoolSchedule, schedule_id)
            if row is None:
                raise NotFound("schedule", number=schedule_id)
            name = row.template.name
            self._audit.record(
                session, actor, "pool.unschedule", name, schedule_words(row.schedule)
            )
            session.delete(row)
            return name

    def drain(self, actor: Actor, name: str) -> int:
        """End all warm and building desktops, so that they are built anew. Returns their number."""
        now = self._clock.now()
        with self._audit.refusals(actor, "pool.drain", name), self._db.begin() as session:
            check(actor, Action.POOL_CHANGE)
            _template(session, name)
            view = _of(look_at_pools(session, self._config, now), name)
            going = [one for one in view.desktops if one.state != State.QUEUED]
            for desktop in going:
                drain_desktop(session, self._audit, actor, desktop, Drain.ASKED, now)
            return len(going)

    def _schedule(self, session: Session, template: Template, wish: ScheduleRequest) -> Schedule:
        if bool(wish.every.strip()) == bool(wish.on.strip()):
            raise BadInput("every", "schedule_days")
        if not 1 <= wish.desktops <= template.pool_max:
            raise BadInput(
                "desktops", "schedule_desktops", template=template.name, most=template.pool_max
            )
        of_it = PoolSchedule.template_id == template.id
        count = session.scalar(select(func.count()).where(of_it)) or 0
        if count >= MOST_SCHEDULES:
            raise BadInput("every", "schedules_full", template=template.name, count=count)
        schedule = Schedule(
            desktops=wish.desktops,
            begins=parse_hour("begins", wish.begins),
            ends=parse_hour("ends", wish.ends),
            weekdays=parse_weekdays(wish.every) if wish.every.strip() else frozenset(),
            on=parse_day(wish.on) if wish.on.strip() else None,
            in_all=wish.in_all,
        )
        if schedule.window(self._config.time_zone, self._clock.now()) is None:
            raise BadInput("on", "schedule_over")
        return schedule


def schedule_words(schedule: Schedule) -> str:
    """The schedule as text for audit log and command line: `30 in all, mon-fri 10:00-12:00`."""
    when = schedule.on.isoformat() if schedule.on else weekdays_text(schedule.weekdays)
    how = "in all" if schedule.in_all else "ready"
    hours = f"{schedule.begins:%H:%M}-{schedule.ends:%H:%M}"
    return f"{schedule.desktops} {how}, {when} {hours}"


def _words(numbers: PoolNumbers) -> str:
    demand = ", follows demand" if numbers.follows_demand else ""
    age = int(numbers.longest_age.total_seconds() // 60)
    return (
        f"minimum {numbers.minimum}, target {numbers.target}, maximum {numbers.maximum}{demand}, "
        f"at most {age} min old"
    )


def _check_number(key: str, value: int) -> None:
    lowest, highest = NUMBERS[key]
    if not lowest <= value <= highest:
        raise BadInput(f"pool_{key}", "number_range", lowest=lowest, highest=highest)


def _of(views: list[PoolView], name: str) -> PoolView:
    return next(view for view in views if view.template.name == name)


def _template(session: Session, name: str) -> Template:
    template = session.scalar(select(Template).where(Template.name == name).with_for_update())
    if template is None:
        raise _no_template(name)
    return template


def _no_template(name: str) -> NotFound:
    return NotFound("template", name=name[:32])
