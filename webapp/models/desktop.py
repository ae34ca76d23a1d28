"""One launched container with its owner, state, address, credentials and deadline.

The row is the work item: the worker takes rows by state, under a lease (`worked_by`,
`worked_until`), and every write is a compare-and-set on `row_version`.
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
    """A desktop, from the click until long after its end (then it is history)."""

    __tablename__ = "desktops"
    __table_args__ = (
        Index("ix_desktops_state_created", "state", "created_at"),
        Index("ix_desktops_owner_launched", "owner_id", "launched_at"),
        Index("ix_desktops_owner_ended", "owner_id", "ended_at"),
        # also what a launch takes out of the pool: the one that has been warm longest
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
        # what metrics count and the pages' numbers of today, by the moment it happened
        Index("ix_desktops_launched", "launched_at"),
        Index("ix_desktops_build_started", "build_started_at"),
        Index("ix_desktops_ready", "ready_at"),
        Index("ix_desktops_failed", "failed_at"),
        Index("ix_desktops_ended", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Nobody while it is in the pool."""
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"))
    launch_token: Mapped[str | None] = mapped_column(String(64), unique=True)
    """One launch form, one desktop: a second post with the same token finds this row."""

    # Written by states.advance() alone.
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
    """When its owner asked for it; None while it is in the pool."""
    build_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    warmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it joined the pool; None for one that was built for its owner."""
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its owner could use it."""
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The deadline that the desktop itself knows; differs after an extension until it was told."""
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when its time stands still; None while it runs."""
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """How long it is kept like that; as its template had it when it was paused."""
    paused_seconds: Mapped[int] = mapped_column(default=0)
    """For how long its time stood still in pauses that are over."""
    resumed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the last of them was over."""
    stop_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_on_close: Mapped[bool] = mapped_column(default=False)
    """The person's choice: closing the page that shows the desktop ends it."""
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When that page said good-bye; a page that comes back clears it."""
    input_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last input that the desktop told of: RDP programs reach it past the gateway."""
    input_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it answered that question last."""
    idle_warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the desktop itself showed that it will end for lack of input."""
    guest_failures: Mapped[int] = mapped_column(default=0)
    """Questions in a row that it did not answer, or answered with nonsense."""
    guest_trouble: Mapped[str | None] = mapped_column(String(200))
    """What was wrong with the last of them, for administrators."""
    ask_again_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until then it is asked nothing."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # What it got; kept as history when the reservations are gone.
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
    """The mark that its container carried, of a desktop that was made by hand."""
    failure: Mapped[str | None] = mapped_column(String(500))
    """What went wrong, for the admin: it may name machines, addresses and rights."""
    failure_reason: Mapped[str | None] = mapped_column(String(16))
    """A stable word for it, as `OutsideFailed.reason`: locked, unreachable, … What its owner is
    told follows from it."""
    failure_log: Mapped[str | None] = mapped_column(Text)
    """The last lines of the failed run, without secrets, for the admin."""

    worked_by: Mapped[str | None] = mapped_column(String(80))
    worked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    """Runs tried in vain so far, of the build or of the teardown; the next try waits longer."""
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
        """Whether it belongs to nobody: built ahead of need."""
        return self.owner_id is None

    @property
    def asked_at(self) -> datetime:
        """When somebody asked for it, or the pool did."""
        return self.launched_at or self.created_at

    @property
    def life_from(self) -> datetime | None:
        """What its longest time counts from: when it was ready first, later by its pauses."""
        return self.ready_at and self.ready_at + timedelta(seconds=self.paused_seconds)

    @property
    def unused_from(self) -> datetime | None:
        """What its idle limit counts from when nobody has used it: it was ready, or resumed."""
        return self.resumed_at or self.ready_at

    def belongs_to(self, person_id: int | None) -> bool:
        """Whether it is that person's; a pool desktop is nobody's, not even the system's."""
        return self.owner_id is not None and self.owner_id == person_id


class DesktopStep(Base):
    """One step of a build as Ansible ran it: progress now, the estimate's measurements later."""

    __tablename__ = "desktop_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    """The Ansible role; `domain.estimate.BUILD_STEPS` has its words."""
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    desktop: Mapped[Desktop] = relationship(back_populates="steps")
