"""Clean-ups: an administrator requests one, a worker does it."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class Cleanup(Base):
    """One clean-up. The audit entries of Winux itself between its two marks record what it did."""

    __tablename__ = "cleanups"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    first_entry: Mapped[int | None]
    """The id of the newest audit entry when it began."""
    last_entry: Mapped[int | None]
    trouble: Mapped[str | None] = mapped_column(String(500))
    """What could not be done."""
