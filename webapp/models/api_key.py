"""What lets a program act for a person."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.people.keys import KeyStanding, Scope
from webapp.models.base import Base, UtcDateTime
from webapp.models.person import Person


class ApiKey(Base):
    """A key, of which only the hash is stored; `prefix` finds it and is no secret."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    key_hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    scope_words: Mapped[str] = mapped_column(String(64))
    """Its scopes, with spaces between."""
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_from: Mapped[str | None] = mapped_column(String(45))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship(lazy="joined")

    @property
    def scopes(self) -> list[Scope]:
        """What it was granted, in the order of power."""
        granted = self.scope_words.split()
        return [scope for scope in Scope if scope in granted]

    @property
    def standing(self) -> KeyStanding:
        """What decides whether it works."""
        return KeyStanding(self.expires_at, self.revoked_at, self.person.disabled_at is not None)
