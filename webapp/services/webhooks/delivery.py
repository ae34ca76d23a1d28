"""Sends deliveries: each is claimed, sent outside of any transaction, and its response stored.

A claim postpones the next attempt by longer than one attempt may take. So two workers never send
the same delivery at the same time, and a delivery whose worker died is retried. A receiver may
therefore get an event twice; both have the same id.
"""

import logging
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update

from webapp.domain.errors import OutsideFailed
from webapp.domain.webhooks import rules
from webapp.domain.webhooks.rules import WebhookEvent
from webapp.models import Webhook, WebhookDelivery
from webapp.ports import Clock, Database, Vault, WebhookAnswer, WebhookSender

log = logging.getLogger(__name__)

#: How long a claim is exclusive; longer than an attempt may take.
CLAIM = timedelta(minutes=1)
#: Maximum number of characters of a response that are stored.
KEPT_ANSWER = 500


@dataclass(frozen=True)
class Claimed:
    """A delivery that this process has claimed."""

    id: int
    webhook_id: int


class Deliverer:
    """Sends deliveries that are due."""

    def __init__(self, db: Database, clock: Clock, vault: Vault, sender: WebhookSender) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._sender = sender

    def claim(self, busy: Collection[int] = ()) -> Claimed | None:
        """Claim the delivery that has been due longest, except for `busy` webhooks."""
        now = self._clock.now()
        is_wanted = Webhook.is_enabled | (WebhookDelivery.event == WebhookEvent.TEST)
        due = (
            select(WebhookDelivery.id)
            .join(WebhookDelivery.webhook)
            .where(WebhookDelivery.next_try_at <= now, is_wanted, Webhook.id.not_in(busy))
            .order_by(WebhookDelivery.next_try_at, WebhookDelivery.id)
            .limit(1)
        )
        with self._db.read() as session:  # a read takes no write lock
            found = session.scalar(due)
        return self.claim_this(found) if found is not None else None

    def claim_this(self, delivery_id: int) -> Claimed | None:
        """Claim this delivery. Returns None if it is not due, or another process was first."""
        now = self._clock.now()
        with self._db.begin() as session:
            webhook_id = session.scalar(
                update(WebhookDelivery)
                .where(WebhookDelivery.id == delivery_id, WebhookDelivery.next_try_at <= now)
                .values(next_try_at=now + CLAIM, attempts=WebhookDelivery.attempts + 1)
                .execution_options(synchronize_session=False)
                .returning(WebhookDelivery.webhook_id)
            )
        return Claimed(delivery_id, webhook_id) if webhook_id is not None else None

    def deliver(self, claimed: Claimed) -> None:
        """Send the delivery and store the result."""
        with self._db.read() as session:
            row = session.get(WebhookDelivery, claimed.id)
        if row is None:  # deleted with its webhook in the meantime
            return
        try:
            answer = self._send(row)
        except OutsideFailed as error:
            answer = WebhookAnswer(None, str(error))
        self._write(row, answer)

    def deliver_one(self) -> bool:
        """Send one delivery that is due. Returns False if there is none."""
        claimed = self.claim()
        if claimed is None:
            return False
        self.deliver(claimed)
        return True

    def forget_old(self) -> None:
        """Delete old finished deliveries."""
        old = self._clock.now() - rules.KEPT
        is_old = (WebhookDelivery.created_at < old) & WebhookDelivery.next_try_at.is_(None)
        with self._db.read() as session:
            if session.scalar(select(WebhookDelivery.id).where(is_old).limit(1)) is None:
                return
        with self._db.begin() as session:
            session.execute(delete(WebhookDelivery).where(is_old))

    # -- parts ----------------------------------------------------------------------------------

    def _send(self, row: WebhookDelivery) -> WebhookAnswer:
        body = row.body.encode()
        timestamp = int(self._clock.now().timestamp())
        secret = self._vault.unlock(row.webhook.secret_locked)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Winux",
            "X-Winux-Event": row.event.value,
            "X-Winux-Delivery": row.event_id,
            "X-Winux-Timestamp": str(timestamp),
            "X-Winux-Signature": rules.sign(secret, timestamp, body),
        }
        return self._sender.send(rules.parse_url(row.webhook.url), headers, body)

    def _write(self, row: WebhookDelivery, answer: WebhookAnswer) -> None:
        now = self._clock.now()
        has_arrived = answer.status is not None and 200 <= answer.status < 300
        again_at = None
        if not has_arrived and row.event is not WebhookEvent.TEST:
            chance = random.random()  # noqa: S311  # when to try again is no secret
            again_at = rules.decide_next_try(row.attempts, row.created_at, now, chance)
        with self._db.begin() as session:
            session.execute(
                update(WebhookDelivery)
                .where(WebhookDelivery.id == row.id)
                .values(
                    tried_at=now,
                    delivered_at=now if has_arrived else None,
                    next_try_at=again_at,
                    answer_status=answer.status,
                    answer=answer.text[:KEPT_ANSWER],
                )
            )
        if not has_arrived:
            log.info("Webhook delivery %s failed: %s", row.event_id, answer.status)
