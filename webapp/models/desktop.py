"""One launched container with its owner, state, address, credentials and deadline.

The row is the work item: a worker takes rows by state, under a lease (`worked_by`,
`worked_until`), and every write of a row through the ORM is a compare-and-set on `row_version`.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.desktops.keyboards import LONGEST_NAME
from webapp.domain.states import EndReason, State
from webapp.models.base import Base, UtcDateTime, word
from webapp.models.person import Person
from webapp.models.template import Template


class Desktop(Base):
    """A desktop, from its launch on; after its end the row is kept as history."""

    __tablename__ = "desktops"
    __table_args__ = (
        Index("ix_desktops_state_created", "state", "created_at"),
        Index("ix_desktops_owner_launched", "owner_id", "launched_at"),
        Index("ix_desktops_owner_ended", "owner_id", "ended_at"),
        # also for a launch, which takes the desktop that has been in the pool longest
        Index("ix_desktops_template_state", "template_id", "state", "warmed_at"),
        Index("ix_desktops_template_launched", "template_id", "launched_at"),
        Index("ix_desktops_template_ready", "template_id", "ready_at"),
        Index("ix_desktops_template_warmed", "template_id", "warmed_at"),
        Index("ix_desktops_deadline", "state", "deadline_at"),
        Index("ix_desktops_paused_until", "state", "paused_until"),
        Index(
            "ix_desktops_troubled",
            "created_at",
            sqlite_where=text("failure IS NOT NULL"),
        ),
        # for the metrics and the pages' numbers of today, by time of the event
        Index("ix_desktops_launched", "launched_at"),
        Index("ix_desktops_build_started", "build_started_at"),
        Index("ix_desktops_ready", "ready_at"),
        Index("ix_desktops_failed", "failed_at"),
        Index("ix_desktops_ended", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """None while it is in the pool."""
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"))
    launch_token: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Makes a launch form idempotent: a second POST with the same token finds this row."""

    # Written only by states.advance().
    state: Mapped[State] = mapped_column(word(State), default=State.QUEUED)
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    end_reason: Mapped[EndReason | None] = mapped_column(word(EndReason))

    minutes: Mapped[int]
    rdp_username: Mapped[str] = mapped_column(String(32))
    keyboard_layout: Mapped[str] = mapped_column(String(LONGEST_NAME))
    password_locked: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Encrypted with the installation's key; erased when the desktop ends."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    launched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its owner launched it; None while it is in the pool."""
    build_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    warmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it joined the pool; None if it was built for its owner."""
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its owner could first use it."""
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The deadline last sent to the desktop itself. Differs from `deadline_at` after an extension
    until the new one is sent."""
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its time stopped counting; None while it runs."""
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when it is kept paused, by its template's limit at the time of the pause."""
    paused_seconds: Mapped[int] = mapped_column(default=0)
    """Total length of its past pauses."""
    resumed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its last pause ended."""
    stop_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_on_close: Mapped[bool] = mapped_column(default=False)
    """The person's choice: closing the page that shows the desktop ends it."""
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When that page reported that it was closed; cleared when the page comes back."""
    input_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last input that the desktop reported: RDP programs connect without the gateway."""
    input_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the desktop last answered when it was asked for its input."""
    idle_warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was asked to show the warning that it will end for lack of input."""
    guest_failures: Mapped[int] = mapped_column(default=0)
    """Number of consecutive requests to the desktop with no answer or an invalid one."""
    guest_trouble: Mapped[str | None] = mapped_column(String(200))
    """The error of the last such request, for administrators."""
    ask_again_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """No requests are sent to the desktop before this time."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # What was allocated to it; kept as history after the reservations are deleted.
    vmid: Mapped[int | None]
    node: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(String(45))
    memory_mb: Mapped[int | None]
    cores: Mapped[int | None]
    template_version: Mapped[str | None] = mapped_column(String(32))
    ssh_host_key_sha256: Mapped[str | None] = mapped_column(String(64))
    rdp_certificate_sha256: Mapped[str | None] = mapped_column(String(64))
    rdp_certificate_pem: Mapped[str | None] = mapped_column(Text)

    adopted_from: Mapped[str | None] = mapped_column(String(160))
    """For a desktop that was made by hand: the mark that its container had."""
    failure: Mapped[str | None] = mapped_column(String(500))
    """The error, for admins only: it may name machines, addresses and rights."""
    failure_reason: Mapped[str | None] = mapped_column(String(16))
    """A stable code for the error, as `OutsideFailed.reason`: locked, unreachable, … It selects
    the message that its owner sees."""
    failure_log: Mapped[str | None] = mapped_column(Text)
    """The last lines of the failed run, without secrets, for admins."""

    worked_by: Mapped[str | None] = mapped_column(String(80))
    worked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    """Number of failed runs so far, of the build or of the teardown; each retry waits longer."""
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column()

    owner: Mapped[Person | None] = relationship(lazy="joined")
    template: Mapped[Template] = relationship(lazy="joined")
    steps: Mapped[list["DesktopStep"]] = relationship(
        back_populates="desktop", order_by="DesktopStep.id", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012 (SQLAlchemy reads it)

    @property
    def is_pooled(self) -> bool:
        """Whether it is in the pool: built ahead of need, without an owner."""
        return self.owner_id is None

    @property
    def asked_at(self) -> datetime:
        """When a person launched it, or the pool requested it."""
        return self.launched_at or self.created_at

    @property
    def life_from(self) -> datetime | None:
        """Start of its maximum lifetime: when it was first ready, plus the length of its pauses."""
        return self.ready_at and self.ready_at + timedelta(seconds=self.paused_seconds)

    @property
    def unused_from(self) -> datetime | None:
        """Start of its idle time if it was not used since: when it was ready, or resumed."""
        return self.resumed_at or self.ready_at


class DesktopStep(Base):
    """One step of a build that Ansible ran: shows progress, and later feeds the estimate."""

    __tablename__ = "desktop_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    """The Ansible role; `domain.estimate.BUILD_STEPS` has its title."""
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    desktop: Mapped[Desktop] = relationship(back_populates="steps")
