"""Results of requests that may be sent twice, so that the second one changes nothing."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class Repeat(Base):
    """One Idempotency-Key of a person. Stores what the response was about, never its secrets."""

    __tablename__ = "repeats"
    __table_args__ = (UniqueConstraint("person_id", "key_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    key_hash: Mapped[str] = mapped_column(String(64))
    request_mark: Mapped[str] = mapped_column(String(64))
    """A keyed hash of method, path and body: a different request with this key is refused."""
    token: Mapped[str] = mapped_column(String(64))
    """Random. A launch stores it as its launch token, so a crash between the two transactions
    cannot cause a second launch."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    """The HTTP status of the response; None while the request is in progress."""
    reference: Mapped[str] = mapped_column(String(80), default="")
    """The thing that was created; the response is rebuilt from it."""
