"""Containers with our mark that no desktop accounts for, watched before they are destroyed."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class QuarantinedContainer(Base):
    """One such container; the row goes when the container does or when a desktop claims it."""

    __tablename__ = "quarantined_containers"

    vmid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    desktop_id: Mapped[str] = mapped_column(String(32))
    """The public id in its mark."""
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
