"""The nodes of the cluster as a worker last saw them, their templates, and clones under way."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UtcDateTime
from webapp.models.template import Template


class Node(Base):
    """One node; workers write what they see, an admin whether it takes desktops."""

    __tablename__ = "nodes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    """The admin's word: whether new desktops may go there."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When a worker last looked, whatever it saw."""
    is_online: Mapped[bool]
    trouble: Mapped[str | None] = mapped_column(String(300))
    """Why it could not be used at the last look; None when all was well."""
    answered_ms: Mapped[int | None]
    """How long it took to list its containers."""
    memory_mb: Mapped[int | None]
    """Sizes are None where the API token may not see them (it needs Sys.Audit on /nodes)."""
    free_mb: Mapped[int | None]
    storage_gb: Mapped[int | None]
    """Of the storage of the desktops' disks."""
    storage_free_gb: Mapped[int | None]
    storage_is_shared: Mapped[bool] = mapped_column(default=False)


class TemplateReplica(Base):
    """A template container that desktops of one template version are cloned from, on one node."""

    __tablename__ = "template_replicas"

    vmid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"), index=True)
    node: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When another version took its place: nothing new is cloned from it."""
    is_missing: Mapped[bool] = mapped_column(default=False)
    """It was on none of the nodes at the last look."""
    lock: Mapped[str | None] = mapped_column(String(16))
    locked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when it is seen locked with no task at work on it; None when all is well."""
    removal_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a worker last went about removing its container; of a retired one alone."""
    removal_trouble: Mapped[str | None] = mapped_column(String(300))
    """Why it was not removed."""

    template: Mapped[Template] = relationship(lazy="joined")


class CloneSlot(Base):
    """The right to clone from one source, of which there is one at a time.

    It holds for as long as its desktop's lease does (`Desktop.worked_by` is `holder` and
    `worked_until` has not passed): a killed worker's slots need nobody to free them.
    """

    __tablename__ = "clone_slots"
    __table_args__ = (UniqueConstraint("storage", "number"),)

    source_vmid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id"), index=True)
    holder: Mapped[str] = mapped_column(String(80), index=True)
    storage: Mapped[str] = mapped_column(String(130))
    """Which storage it copies on, with its node unless the nodes share it."""
    number: Mapped[int]
    """1 to the limit of clones per storage: being unique, it keeps the limit."""
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
