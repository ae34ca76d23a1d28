"""Differences between database and nodes, as reconciliation found them; and how long it watches."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domain.upkeep.drift import ANSWERS, Answer, Kind
from webapp.models.base import Base, UtcDateTime, word


class FindingRow(Base):
    """One difference, from when it was first seen until it was over; then it is history."""

    __tablename__ = "findings"
    __table_args__ = (Index("ix_findings_resolved_first", "resolved_at", "first_seen_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(word(Kind))
    vmid: Mapped[int | None] = mapped_column(index=True)
    node: Mapped[str | None] = mapped_column(String(64))
    desktop_id: Mapped[str] = mapped_column(String(64), default="")
    """Public id in the mark or of the row; no foreign key, as there may be no such row."""
    address: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[str] = mapped_column(String(300), default="")
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Winux will destroy the container; None: it will not."""
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(300))
    """How it ended, or what keeps Winux from ending it."""

    @property
    def answer(self) -> Answer:
        return ANSWERS[self.kind]


class Watch(Base):
    """When reconciliation last saw a node whole.

    A gap says that the database may be an old one: restored from a backup.
    """

    __tablename__ = "watches"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime)
