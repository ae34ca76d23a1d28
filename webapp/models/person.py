"""People and their sign-ins."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.people.roles import Role
from webapp.models.base import Base, UtcDateTime, word


class Person(Base):
    """An account. `name` is the sign-in name, always in lower case."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(256))
    role: Mapped[Role] = mapped_column(word(Role), default=Role.PERSON)
    max_desktops: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When everything that the person held was last ended. Device cookies and known addresses from
    before this time do not count."""


class SignIn(Base):
    """One signed-in browser. The cookie holds a random token; the row keeps only its hash."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the password was last typed in this sign-in."""
    source_address: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(200))

    person: Mapped[Person] = relationship(lazy="joined")


class SignInAttempt(Base):
    """A failed sign-in, or one whose password is being checked.

    The limits count these rows; old ones are deleted.
    """

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_name_at", "name", "at"),
        Index("ix_sign_in_attempts_source_at", "source", "at"),
        Index("ix_sign_in_attempts_at", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    name: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(45))
    """The source address; for IPv6, the /64."""
    device: Mapped[str | None] = mapped_column(String(16))
    """Which of the account's known devices it was; None: an unknown browser."""
