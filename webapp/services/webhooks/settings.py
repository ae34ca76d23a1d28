"""Webhooks for administrators: adding, switching, testing and removing them; their deliveries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.webhooks import rules
from webapp.domain.webhooks.rules import WebhookEvent
from webapp.models import Webhook, WebhookDelivery
from webapp.ports import Clock, Database, Vault
from webapp.services.access import check
from webapp.services.audit.announce import delivery
from webapp.services.audit.record import Actor, Audit

#: Number of deliveries that a page shows.
RECENT = 50


@dataclass(frozen=True)
class NewWebhook:
    """A new webhook. `secret` is available only here."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True)
class WebhookView:
    """A webhook with the state of its deliveries."""

    webhook: Webhook
    last: WebhookDelivery | None
    """The newest delivery that was attempted."""
    waiting: int


class Webhooks:
    """The use cases of webhooks; the routes check who may see them."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, vault: Vault, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit

    def add(self, actor: Actor, url: str, events: Iterable[str]) -> NewWebhook:
        """Add a webhook for these events. Raises BadInput, or Refused for a closed address."""
        url = url.strip()
        secret = rules.make_secret()
        with self._audit.refusals(actor, "webhook.add", url), self._db.begin() as session:
            check(actor, Action.WEBHOOK_MANAGE)
            chosen = rules.parse_events(events)
            target = rules.parse_url(url)
            rules.check_literal(target.host, self._config.webhook_networks)
            self._check_room(session, url)
            webhook = Webhook(
                url=url,
                event_words=" ".join(chosen),
                secret_locked=self._vault.lock(secret),
                created_at=self._clock.now(),
            )
            session.add(webhook)
            session.flush()
            self._audit.record(session, actor, "webhook.add", _name(webhook), webhook.event_words)
        return NewWebhook(webhook, secret)

    def all(self) -> list[WebhookView]:
        """Every webhook, by URL."""
        with self._db.read() as session:
            rows = session.scalars(select(Webhook).order_by(Webhook.url)).all()
            return [_view(session, row) for row in rows]

    def one(self, webhook_id: int) -> WebhookView:
        """One webhook. Raises NotFound."""
        with self._db.read() as session:
            return _view(session, _webhook(session, webhook_id))

    def set_enabled(self, actor: Actor, webhook_id: int, *, enabled: bool) -> None:
        """Enable or disable a webhook. Pending deliveries are kept meanwhile. Raises NotFound."""
        action = "webhook.enable" if enabled else "webhook.disable"
        refusals = self._audit.refusals(actor, action, str(webhook_id))
        with refusals, self._db.begin() as session:
            check(actor, Action.WEBHOOK_MANAGE)
            webhook = _webhook(session, webhook_id)
            webhook.is_enabled = enabled
            self._audit.record(session, actor, action, _name(webhook))

    def remove(self, actor: Actor, webhook_id: int) -> None:
        """Delete a webhook and its deliveries. Raises NotFound."""
        refusals = self._audit.refusals(actor, "webhook.remove", str(webhook_id))
        with refusals, self._db.begin() as session:
            check(actor, Action.WEBHOOK_MANAGE)
            webhook = _webhook(session, webhook_id)
            session.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id))
            session.delete(webhook)
            self._audit.record(session, actor, "webhook.remove", _name(webhook))

    def test(self, actor: Actor, webhook_id: int) -> int:
        """Queue a test event, also for a disabled webhook. Returns the delivery's id. Raises
        NotFound."""
        refusals = self._audit.refusals(actor, "webhook.test", str(webhook_id))
        with refusals, self._db.begin() as session:
            check(actor, Action.WEBHOOK_MANAGE)
            webhook = _webhook(session, webhook_id)
            now = self._clock.now()
            row = delivery(webhook, WebhookEvent.TEST, rules.make_event_id(), now, {})
            session.add(row)
            self._audit.record(session, actor, "webhook.test", _name(webhook))
            session.flush()
            return row.id

    def deliveries(self, webhook_id: int, limit: int = RECENT) -> Sequence[WebhookDelivery]:
        """The webhook's newest deliveries."""
        with self._db.read() as session:
            return session.scalars(
                select(WebhookDelivery)
                .where(WebhookDelivery.webhook_id == webhook_id)
                .order_by(WebhookDelivery.id.desc())
                .limit(limit)
            ).all()

    def delivery(self, delivery_id: int) -> WebhookDelivery:
        """One delivery. Raises NotFound."""
        with self._db.read() as session:
            return _delivery(session, delivery_id)

    def retry(self, actor: Actor, delivery_id: int) -> int:
        """Make a delivery due at once, delivered or not. Returns the webhook's id. Raises
        NotFound."""
        refusals = self._audit.refusals(actor, "webhook.retry", str(delivery_id))
        with refusals, self._db.begin() as session:
            check(actor, Action.WEBHOOK_MANAGE)
            row = _delivery(session, delivery_id)
            row.next_try_at, row.delivered_at = self._clock.now(), None
            self._audit.record(
                session, actor, "webhook.retry", _name(row.webhook), f"{row.event} {row.event_id}"
            )
            return row.webhook_id

    def _check_room(self, session: Session, url: str) -> None:
        if session.scalar(select(Webhook.id).where(Webhook.url == url)) is not None:
            raise BadInput("url", "webhook_taken")
        if (session.scalar(select(func.count(Webhook.id))) or 0) >= rules.MOST_WEBHOOKS:
            raise Refused("too_many_webhooks", most=rules.MOST_WEBHOOKS)


def _view(session: Session, webhook: Webhook) -> WebhookView:
    of_it = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
    tried = of_it.where(WebhookDelivery.tried_at.is_not(None))
    waiting = of_it.where(WebhookDelivery.next_try_at.is_not(None))
    return WebhookView(
        webhook,
        session.scalars(tried.order_by(WebhookDelivery.id.desc()).limit(1)).first(),
        session.scalar(waiting.with_only_columns(func.count(WebhookDelivery.id))) or 0,
    )


def _webhook(session: Session, webhook_id: int) -> Webhook:
    webhook = session.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFound("webhook", number=webhook_id)
    return webhook


def _delivery(session: Session, delivery_id: int) -> WebhookDelivery:
    row = session.get(WebhookDelivery, delivery_id)
    if row is None:
        raise NotFound("delivery")
    return row


def _name(webhook: Webhook) -> str:
    """The URL without its query, which may contain a secret of the receiver."""
    return webhook.url.partition("?")[0]
