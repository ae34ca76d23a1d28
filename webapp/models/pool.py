"""Schedules of the templates' pools. The pools' sizes are columns of the template."""

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.pool.schedule import Schedule, parse_weekdays
from webapp.models.base import Base, UtcDateTime
from webapp.models.template import Template


class PoolSchedule(Base):
    """The number of desktops of a pool at scheduled times, in the site's time zone."""

    __tablename__ = "pool_schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"), index=True)
    desktops: Mapped[int]
    in_all: Mapped[bool] = mapped_column(default=False)
    weekdays: Mapped[str] = mapped_column(String(32), default="")
    """In the format of `domain.schedule.weekdays_text`; empty for a schedule on a date."""
    on_date: Mapped[date | None]
    begins: Mapped[time]
    ends: Mapped[time]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    template: Mapped[Template] = relationship()

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            desktops=self.desktops,
            begins=self.begins,
            ends=self.ends,
            weekdays=parse_weekdays(self.weekdays) if self.weekdays else frozenset(),
            on=self.on_date,
            in_all=self.in_all,
        )
