"""Heartbeats of the workers, and when Proxmox last answered them."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class WorkerBeat(Base):
    """One worker process. The web's readiness check and the admin's page read these rows."""

    __tablename__ = "worker_beats"

    worker: Mapped[str] = mapped_column(String(80), primary_key=True)
    """Host name, process id and start time."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proxmox_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Proxmox last answered this worker."""
    proxmox_trouble: Mapped[str | None] = mapped_column(String(500))
    """The error of the last attempt; None if it succeeded."""
