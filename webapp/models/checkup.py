"""The results of the doctor's last examination, for the page that shows them."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domain.upkeep.health import Health
from webapp.models.base import Base, UtcDateTime, word


class Checkup(Base):
    """The state of one part of the installation, examined by one machine's worker."""

    __tablename__ = "checkups"

    host: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int]
    """Its position in the doctor's list."""
    health: Mapped[Health] = mapped_column(word(Health))
    text: Mapped[str] = mapped_column(String(500))
    cure: Mapped[str] = mapped_column(String(500), default="")
    examined_at: Mapped[datetime] = mapped_column(UtcDateTime)
