"""Requests that may come twice: what became of each, so that the second changes nothing."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class Repeat(Base):
    """One Idempotency-Key of a person: of what the answer was, not the answer with its secrets."""

    __tablename__ = "repeats"
    __table_args__ = (UniqueConstraint("person_id", "key_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    key_hash: Mapped[str] = mapped_column(String(64))
    request_mark: Mapped[str] = mapped_column(String(64))
    """A keyed hash of method, address and body: another request with this key is refused."""
    token: Mapped[str] = mapped_column(String(64))
    """Random; a launch keeps it, so that even a crash between the two cannot launch twice."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    """What was answered; None while it is under way."""
    reference: Mapped[str] = mapped_column(String(80), default="")
    """The thing that was made: the answer is made of it anew."""
