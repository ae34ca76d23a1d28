"""Differences between the database and the nodes that reconciliation found, and when it ran."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domain.upkeep.drift import ANSWERS, Answer, Kind
from webapp.models.base import Base, UtcDateTime, word


class FindingRow(Base):
    """One difference. After it is resolved, the row is kept as history."""

    __tablename__ = "findings"
    __table_args__ = (Index("ix_findings_resolved_first", "resolved_at", "first_seen_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(word(Kind))
    vmid: Mapped[int | None] = mapped_column(index=True)
    node: Mapped[str | None] = mapped_column(String(64))
    desktop_id: Mapped[str] = mapped_column(String(64), default="")
    """Public id in the container's mark or of the row. No foreign key: the row may not exist."""
    address: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[str] = mapped_column(String(300), default="")
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Winux will destroy the container; None if it will not."""
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(300))
    """How it was resolved, or what keeps Winux from resolving it."""

    @property
    def answer(self) -> Answer:
        return ANSWERS[self.kind]


class Watch(Base):
    """When reconciliation last listed a node completely.

    A gap means that the database may have been restored from an old backup.
    """

    __tablename__ = "watches"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime)
