"""Webhooks and their deliveries as the tables show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webapp.domain.webhooks.rules import WebhookEvent
from webapp.models import Webhook, WebhookDelivery
from webapp.services.webhooks.settings import WebhookView
from webapp.web.language import _, lazy_gettext

#: The text of each event.
EVENTS = {
    WebhookEvent.LAUNCH: lazy_gettext("launch: a person launches a desktop"),
    WebhookEvent.READY: lazy_gettext("ready: a desktop can be opened"),
    WebhookEvent.END: lazy_gettext("end: a desktop has ended"),
    WebhookEvent.REFUSAL: lazy_gettext("refusal: a launch is refused"),
    WebhookEvent.FAILURE: lazy_gettext("failure: a desktop could not be made"),
}


@dataclass(frozen=True)
class Badge:
    """The colour, icon and word of a state."""

    tone: str
    icon: str
    word: str


@dataclass(frozen=True)
class WebhookRow:
    """One webhook as a table shows it."""

    webhook: Webhook
    look: Badge
    events: str
    waiting: int
    last_at: datetime | None


@dataclass(frozen=True)
class DeliveryRow:
    """One delivery as a table shows it."""

    delivery: WebhookDelivery
    look: Badge


def webhook_rows(views: Iterable[WebhookView]) -> list[WebhookRow]:
    """Return the webhooks as rows of a table."""
    return [
        WebhookRow(
            webhook=view.webhook,
            look=_badge(view),
            events=", ".join(view.webhook.events),
            waiting=view.waiting,
            last_at=view.last.tried_at if view.last else None,
        )
        for view in views
    ]


def delivery_rows(deliveries: Iterable[WebhookDelivery]) -> list[DeliveryRow]:
    """Return the deliveries as rows of a table."""
    return [DeliveryRow(one, _delivery_badge(one)) for one in deliveries]


def _badge(view: WebhookView) -> Badge:
    if not view.webhook.is_enabled:
        return Badge("still", "circle", _("Disabled"))
    if view.last is None:
        return Badge("still", "circle", _("Nothing sent yet"))
    if view.last.delivered_at:
        return Badge("good", "check-circle", _("Works"))
    return Badge("bad", "alert", _("The last delivery failed"))


def _delivery_badge(delivery: WebhookDelivery) -> Badge:
    if delivery.delivered_at:
        return Badge("good", "check-circle", _("Delivered"))
    if delivery.is_given_up:
        return Badge("bad", "cross-circle", _("Given up"))
    if delivery.tried_at:
        return Badge("warn", "clock", _("Will be retried"))
    return Badge("busy", "spinner", _("Being sent"))
