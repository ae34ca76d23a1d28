"""The cluster's nodes as a worker last saw them, their templates, and clones in progress."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UtcDateTime
from webapp.models.template import Template


class Node(Base):
    """One node. Workers record its state; an admin decides whether it takes desktops."""

    __tablename__ = "nodes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    """Set by an admin: whether new desktops may be placed there."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When a worker last checked it, whatever the result."""
    is_online: Mapped[bool]
    trouble: Mapped[str | None] = mapped_column(String(300))
    """Why it could not be used at the last check; None if it could."""
    answered_ms: Mapped[int | None]
    """How long it took to list its containers."""
    memory_mb: Mapped[int | None]
    """Sizes are None if the API token may not read them (it needs Sys.Audit on /nodes)."""
    free_mb: Mapped[int | None]
    storage_gb: Mapped[int | None]
    """Size of the storage of the desktops' disks."""
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
    """When another version replaced it; no new desktops are cloned from it."""
    is_missing: Mapped[bool] = mapped_column(default=False)
    """Whether it was on none of the nodes at the last check."""
    lock: Mapped[str | None] = mapped_column(String(16))
    locked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when it has been locked without a running task; None if it is not."""
    removal_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a worker last tried to remove its container; only for a retired replica."""
    removal_trouble: Mapped[str | None] = mapped_column(String(300))
    """Why it was not removed."""

    template: Mapped[Template] = relationship(lazy="joined")


class CloneSlot(Base):
    """The exclusive right to clone from one source.

    It is valid as long as its desktop's lease (`Desktop.worked_by` is `holder` and `worked_until`
    has not passed), so the slots of a killed worker expire by themselves.
    """

    __tablename__ = "clone_slots"
    __table_args__ = (UniqueConstraint("storage", "number"),)

    source_vmid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id"), index=True)
    holder: Mapped[str] = mapped_column(String(80), index=True)
    storage: Mapped[str] = mapped_column(String(130))
    """The storage it copies on, with its node unless the nodes share the storage."""
    number: Mapped[int]
    """1 to the limit of clones per storage; the unique constraint enforces the limit."""
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
