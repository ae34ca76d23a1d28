"""Single-use tickets to open a connection."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.desktops.keyboards import LONGEST_NAME
from webapp.models.api_key import ApiKey
from webapp.models.base import Base, UtcDateTime
from webapp.models.person import Person, SignIn
from webapp.models.target import LeadsToTarget, has_its_row


class Ticket(LeadsToTarget, Base):
    """Bound to a person, their sign-in, a target and a door; only its hash is stored."""

    __tablename__ = "tickets"
    __table_args__ = (has_its_row(),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    sign_in_id: Mapped[int | None] = mapped_column(ForeignKey("sign_ins.id"))
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    """The API key that requested it, if no sign-in did."""
    keyboard_layout: Mapped[str] = mapped_column(String(LONGEST_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    redeemed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship(lazy="joined")
    sign_in: Mapped[SignIn | None] = relationship(lazy="joined")
    key: Mapped[ApiKey | None] = relationship(lazy="joined")
