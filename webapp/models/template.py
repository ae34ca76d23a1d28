"""Templates, from which desktops are cloned."""

from datetime import datetime, timedelta

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domain.desktops.limits import Durations
from webapp.domain.pool.sizes import PoolNumbers
from webapp.models.base import Base, UtcDateTime


class Template(Base):
    """A template that people can choose: the container it is cloned from, size and limits."""

    __tablename__ = "templates"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[str] = mapped_column(String(64))
    summary: Mapped[str] = mapped_column(String(200), default="")
    desktop_environment: Mapped[str] = mapped_column(String(16), default="xfce")
    vmid: Mapped[int]
    version: Mapped[str] = mapped_column(String(32))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a property that its desktops are built from last changed; older pool desktops are
    replaced."""
    is_enabled: Mapped[bool] = mapped_column(default=True)
    memory_mb: Mapped[int] = mapped_column(default=1024)
    memory_used_mb: Mapped[int | None]
    """Measured memory use of its running desktops; None before the first measurement."""
    swap_mb: Mapped[int] = mapped_column(default=512)
    cores: Mapped[int] = mapped_column(default=2)
    disk_gb: Mapped[int] = mapped_column(default=10)
    nesting: Mapped[bool] = mapped_column(default=False)
    default_minutes: Mapped[int] = mapped_column(default=30)
    max_minutes: Mapped[int] = mapped_column(default=240)
    idle_minutes: Mapped[int | None]
    """Minutes without input after which a desktop ends; 0: never, None: the site's setting."""
    max_pause_minutes: Mapped[int | None]
    """Minutes that a paused desktop is kept; None: its desktops cannot be paused."""
    clipboard_in: Mapped[bool] = mapped_column(default=True)
    """Whether text may be pasted from the browser into the desktop."""
    clipboard_out: Mapped[bool] = mapped_column(default=True)
    """Whether text copied in the desktop may reach the browser."""
    max_per_person: Mapped[int | None]
    """Desktops of this template that a person may have at once; None: the person's limit."""

    # The pool: desktops built ahead of need.
    pool_min: Mapped[int] = mapped_column(default=0)
    pool_target: Mapped[int] = mapped_column(default=0)
    pool_max: Mapped[int] = mapped_column(default=0)
    pool_follows_demand: Mapped[bool] = mapped_column(default=False)
    pool_max_age_minutes: Mapped[int] = mapped_column(default=720)
    """A warm desktop older than this is replaced."""

    @property
    def pool(self) -> PoolNumbers:
        return PoolNumbers(
            minimum=self.pool_min,
            target=self.pool_target,
            maximum=self.pool_max,
            follows_demand=self.pool_follows_demand,
            longest_age=timedelta(minutes=self.pool_max_age_minutes),
        )

    @property
    def durations(self) -> Durations:
        return Durations(self.default_minutes, self.max_minutes)
