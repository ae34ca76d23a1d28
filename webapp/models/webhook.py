"""Webhooks and their deliveries."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.domain.webhooks.rules import WebhookEvent
from webapp.models.base import Base, UtcDateTime, word


class Webhook(Base):
    """A URL to which some events are sent."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(500), unique=True)
    event_words: Mapped[str] = mapped_column(String(80))
    """The events, separated by spaces."""
    secret_locked: Mapped[bytes] = mapped_column(LargeBinary)
    """The secret that signs its deliveries, encrypted with the installation's key."""
    is_enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def events(self) -> list[WebhookEvent]:
        return [WebhookEvent(name) for name in self.event_words.split()]


class WebhookDelivery(Base):
    """One event for one webhook. It is pending while `next_try_at` is set, otherwise finished."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_next_try", "next_try_at"),
        Index("ix_webhook_deliveries_webhook", "webhook_id", "id"),
        Index("ix_webhook_deliveries_created", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"))
    event_id: Mapped[str] = mapped_column(String(32))
    """The same for every webhook that receives the event, and in every attempt."""
    event: Mapped[WebhookEvent] = mapped_column(word(WebhookEvent))
    body: Mapped[str] = mapped_column(Text)
    """JSON, as it is sent and signed."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer_status: Mapped[int | None]
    """The HTTP status of the last response."""
    is_summary: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it summarises refusals that came too fast to be sent one by one."""
    answer: Mapped[str | None] = mapped_column(String(500))
    """The beginning of the last response, or the error."""

    webhook: Mapped[Webhook] = relationship(lazy="joined")

    @property
    def is_given_up(self) -> bool:
        """Whether it was not delivered and is not retried."""
        return self.delivered_at is None and self.next_try_at is None
