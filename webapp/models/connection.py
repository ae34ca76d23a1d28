"""Connections, open and past."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.connections.rules import ConnectionEnd
from webapp.models.api_key import ApiKey
from webapp.models.base import Base, UtcDateTime, word
from webapp.models.person import Person, SignIn
from webapp.models.target import LeadsToTarget, has_its_row


class Connection(LeadsToTarget, Base):
    """One connection of a person to a target. It is open while `ended_at` is None."""

    __tablename__ = "connections"
    __table_args__ = (
        Index("ix_connections_desktop_started", "desktop_id", "started_at"),
        Index("ix_connections_person_ended", "person_id", "ended_at"),
        Index("ix_connections_ended_seen", "ended_at", "seen_at"),
        Index("ix_connections_started", "started_at"),
        has_its_row(),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    sign_in_id: Mapped[int | None] = mapped_column(ForeignKey("sign_ins.id"))
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    """The API key that requested it, if no sign-in did."""
    source_address: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(200))

    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When its gateway last updated the row; if that is too long ago, the gateway has died."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end: Mapped[ConnectionEnd | None] = mapped_column(word(ConnectionEnd, length=24))
    cut_as: Mapped[ConnectionEnd | None] = mapped_column(word(ConnectionEnd, length=24))
    """Set when the connection must end, with the reason; its gateway checks this every second."""

    bytes_up: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes_down: Mapped[int] = mapped_column(BigInteger, default=0)
    cpu_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """CPU time that the gateway spent on it."""
    was_slowed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the gateway throttled it because its person had used up their share of CPU time."""
    last_input_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship(lazy="joined")
    sign_in: Mapped[SignIn | None] = relationship(lazy="joined")
    key: Mapped[ApiKey | None] = relationship(lazy="joined")
