"""A pool as the pages show it."""

from datetime import datetime

from flask import url_for
from flask_babel import format_datetime, get_locale

from webapp.domain.pool.schedule import WEEKDAYS, Schedule
from webapp.http.context import services
from webapp.models import Desktop, PoolSchedule
from webapp.services.pool.plan import PoolView, is_current
from webapp.web.desktops.view import DesktopView
from webapp.web.language import _
from webapp.web.words import short

POLL_SECONDS = 3


class PoolPage:
    """One template's pool."""

    def __init__(self, view: PoolView) -> None:
        self.view = view
        self.now = services().clock.now()

    @property
    def name(self) -> str:
        return self.view.template.name

    @property
    def title(self) -> str:
        return self.view.template.title

    @property
    def url(self) -> str:
        return url_for("admin.pool", name=self.name)

    @property
    def is_off(self) -> bool:
        """Whether the pool has no desktops and wants none."""
        return not self.view.template.pool_max and not self.view.desktops

    @property
    def warm(self) -> int:
        return len(self.view.warm)

    @property
    def making(self) -> int:
        return len(self.view.making)

    @property
    def wanted(self) -> int:
        return self.view.size.desktops

    @property
    def why(self) -> str:
        """The reason for the wanted number, translated from the domain's English text."""
        return _(self.view.size.why.value)

    @property
    def tone(self) -> str:
        if self.view.failures:
            return "bad"
        return "good" if self.warm >= self.wanted else "busy"

    @property
    def summary(self) -> str:
        """The state of the pool in one sentence."""
        if self.is_off:
            return _("No pool: each desktop is built when a person launches it.")
        if self.view.failures:
            return _("The last builds failed.")
        if self.warm >= self.wanted:
            return _("All wanted desktops are ready.")
        return _(
            "Being filled: %(warm)s of %(wanted)s are ready.", warm=self.warm, wanted=self.wanted
        )

    @property
    def trouble(self) -> str:
        """When the next build is tried after failures; empty if nothing holds the pool back."""
        until = self.view.resting_until
        if until is None:
            return ""
        if until <= self.now:
            return _("One more build is being tried.")
        return _("The next try is in %(time)s.", time=short(until - self.now))

    @property
    def wishes(self) -> list[tuple[str, str]]:
        """The settings and numbers that determine the size."""
        pool = self.view.template.pool
        rows = [(_("Target"), str(pool.target)), (_("Minimum"), str(pool.minimum))]
        if pool.follows_demand:
            rows.append((_("Demand of the last hour"), str(self.view.demand)))
        rows += [
            (_("Schedules now"), str(self.view.due.desktops)),
            (_("Maximum"), str(pool.maximum)),
            (_("Replaced when older than"), short(pool.longest_age)),
        ]
        return rows

    @property
    def desktops(self) -> list["PoolRow"]:
        return [PoolRow(one, self.now) for one in self.view.desktops]

    @property
    def schedules(self) -> list["ScheduleRow"]:
        return [ScheduleRow(row, self.now) for row in self.view.schedules]

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """Value and name of each day, for the form."""
        return [(value, _day_name(number)) for number, value in enumerate(WEEKDAYS)]

    @property
    def zone(self) -> str:
        return str(services().config.time_zone)


class PoolRow:
    """One desktop of the pool."""

    def __init__(self, desktop: Desktop, now: datetime) -> None:
        self.row = desktop
        self.view = DesktopView(desktop, now)
        self._now = now

    @property
    def since(self) -> datetime:
        return self.row.warmed_at or self.row.created_at

    @property
    def note(self) -> str:
        """Why the desktop will be replaced, or an empty text."""
        if self.row.warmed_at is None:
            return ""
        if not is_current(self.row):
            return _("older version")
        is_old = self._now - self.row.warmed_at >= self.row.template.pool.longest_age
        return _("too old, being replaced") if is_old else ""


class ScheduleRow:
    """One schedule."""

    def __init__(self, row: PoolSchedule, now: datetime) -> None:
        self.row = row
        self.schedule: Schedule = row.schedule
        self._window = self.schedule.window(services().config.time_zone, now)
        self._now = now

    @property
    def days(self) -> str:
        if self.schedule.on:
            return str(
                format_datetime(
                    datetime.combine(self.schedule.on, self.schedule.begins),
                    "d MMM y",
                    rebase=False,
                )
            )
        if len(self.schedule.weekdays) == 7:
            return _("Every day")
        return ", ".join(_day_name(number) for number in sorted(self.schedule.weekdays))

    @property
    def hours(self) -> str:
        return f"{self.schedule.begins:%H:%M}–{self.schedule.ends:%H:%M}"

    @property
    def how(self) -> str:
        return _("in total") if self.schedule.in_all else _("always ready")

    @property
    def next(self) -> str:
        if self._window is None:
            return _("over")
        if self._window.begins_at <= self._now:
            return _("now")
        begins = self._window.begins_at.astimezone(services().config.time_zone).replace(tzinfo=None)
        return _(
            "%(day)s, %(time)s",
            day=format_datetime(begins, "EEE d MMM", rebase=False),
            time=format_datetime(begins, "HH:mm", rebase=False),
        )


def pool_pages() -> list[PoolPage]:
    """Return all pools, by template."""
    return [PoolPage(view) for view in services().pools.all()]


def _day_name(number: int) -> str:
    """Return the short name of a weekday in the page's language; 0 is Monday."""
    return str(get_locale().days["format"]["abbreviated"][number])
