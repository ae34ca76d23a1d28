"""Creates webhook deliveries for an event, in the transaction of its audit entry."""

import json
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.domain.webhooks.rules import (
    MOST_REFUSALS,
    REFUSALS_WITHIN,
    WebhookEvent,
    event_of,
    make_event_id,
)
from webapp.models import AuditEntry, Desktop, Person, Webhook, WebhookDelivery

#: Events that are not announced while a desktop has no owner.
_OWNED = {WebhookEvent.READY, WebhookEvent.END}


def announce(session: Session, entry: AuditEntry) -> None:
    """Add a delivery for every enabled webhook that receives the event of this entry."""
    event = event_of(entry.action, is_refused=entry.is_refused)
    if event is None:
        return
    listening = [
        webhook
        for webhook in session.scalars(select(Webhook).where(Webhook.is_enabled))
        if event in webhook.events
    ]
    if not listening:
        return
    desktop = session.scalar(select(Desktop).where(Desktop.public_id == entry.subject))
    if event in _OWNED and (desktop is None or desktop.owner_id is None):
        return
    told = _refusal(session, entry) if event is WebhookEvent.REFUSAL else _of(event, desktop)
    event_id = make_event_id()
    for webhook in listening:
        if event is not WebhookEvent.REFUSAL or not _sum_up(session, webhook, entry.at):
            session.add(delivery(webhook, event, event_id, entry.at, told))


def _sum_up(session: Session, webhook: Webhook, at: datetime) -> bool:
    """Count a refusal in a summary if the webhook received too many. Returns whether it did."""
    summary = session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.is_summary.is_(True))
        .where(WebhookDelivery.next_try_at > at, WebhookDelivery.attempts == 0)
        .with_for_update(of=WebhookDelivery)
    )
    if summary is not None:
        body = json.loads(summary.body)
        body |= {"count": body["count"] + 1, "last_time": _moment(at)}
        summary.body = json.dumps(body, ensure_ascii=False)
        return True
    if _told_lately(session, webhook, at) < MOST_REFUSALS:
        return False
    first = delivery(webhook, WebhookEvent.REFUSAL, make_event_id(), at, {"reason": "several"})
    first.is_summary, first.next_try_at = True, at + REFUSALS_WITHIN
    session.add(first)
    return True


def _told_lately(session: Session, webhook: Webhook, at: datetime) -> int:
    of_it = select(func.count(WebhookDelivery.id)).where(
        WebhookDelivery.webhook_id == webhook.id,
        WebhookDelivery.event == WebhookEvent.REFUSAL,
        WebhookDelivery.is_summary.is_(False),
        WebhookDelivery.created_at > at - REFUSALS_WITHIN,
    )
    return session.scalar(of_it) or 0


def delivery(
    webhook: Webhook,
    event: WebhookEvent,
    event_id: str,
    at: datetime,
    told: dict[str, str | None],
) -> WebhookDelivery:
    """Returns a delivery that is due at once."""
    moment = _moment(at)
    head = {"id": event_id, "type": event.value, "time": moment, "count": 1, "last_time": moment}
    nothing = {"session_sub": None, "owner": None, "template": None, "reason": None}
    return WebhookDelivery(
        webhook_id=webhook.id,
        event_id=event_id,
        event=event,
        body=json.dumps(head | nothing | told, ensure_ascii=False),
        created_at=at,
        next_try_at=at,
    )


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _of(event: WebhookEvent, desktop: Desktop | None) -> dict[str, str | None]:
    if desktop is None:
        return {}
    return {
        "session_sub": desktop.public_id,
        "owner": desktop.owner.name if desktop.owner else None,
        "template": desktop.template.name,
        "reason": _reason(event, desktop),
    }


def _reason(event: WebhookEvent, desktop: Desktop) -> str | None:
    if event is WebhookEvent.FAILURE:
        return desktop.failure_reason or "failed"
    return desktop.end_reason if event is WebhookEvent.END else None


def _refusal(session: Session, entry: AuditEntry) -> dict[str, str | None]:
    person = session.get(Person, entry.person_id) if entry.person_id else None
    return {
        "owner": person.name if person else None,
        "template": entry.subject or None,
        "reason": entry.reason,
    }
