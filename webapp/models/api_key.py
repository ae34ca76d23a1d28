"""API keys, with which a program acts for a person."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.people.keys import KeyStanding, Scope
from webapp.models.base import Base, UtcDateTime
from webapp.models.person import Person


class ApiKey(Base):
    """An API key. Only its hash is stored; `prefix` identifies it and is not secret."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    key_hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    scope_words: Mapped[str] = mapped_column(String(64))
    """The scopes, separated by spaces."""
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_from: Mapped[str | None] = mapped_column(String(45))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship(lazy="joined")

    @property
    def scopes(self) -> list[Scope]:
        """The granted scopes, in the order of `Scope`."""
        granted = self.scope_words.split()
        return [scope for scope in Scope if scope in granted]

    @property
    def standing(self) -> KeyStanding:
        """The facts that decide whether the key is valid."""
        return KeyStanding(self.expires_at, self.revoked_at, self.person.suspended_at is not None)
