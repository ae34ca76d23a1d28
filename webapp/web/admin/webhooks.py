"""Webhooks: the receivers of events, and their deliveries."""

from http import HTTPStatus

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.errors import Refused
from webapp.domain.webhooks.rules import CHOOSABLE
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.services.webhooks.settings import NewWebhook
from webapp.web.admin.blueprint import blueprint
from webapp.web.fragments import fragment, is_live_request
from webapp.web.language import _
from webapp.web.texts.webhooks import EVENTS, delivery_rows, webhook_rows

POLL_SECONDS = 3


@blueprint.get("/webhooks/")
@may(Action.WEBHOOK_SEE)
def webhooks() -> ResponseReturnValue:
    """Show all webhooks and a form to add one."""
    return _list()


@blueprint.post("/webhooks/")
@may(Action.WEBHOOK_MANAGE)
def add_webhook() -> ResponseReturnValue:
    """Add a webhook and show its secret; sending the form again is refused as a duplicate."""
    url, events = request.form.get("url", ""), request.form.getlist("event")
    try:
        made = services().webhooks.add(actor(), url, events)
    except Refused as refusal:
        return _list(refusal=refusal, url=url, chosen=events), HTTPStatus.BAD_REQUEST
    return _list(made=made)


@blueprint.get("/webhooks/<int:webhook_id>")
@may(Action.WEBHOOK_SEE)
def webhook(webhook_id: int) -> ResponseReturnValue:
    """Show one webhook with its deliveries."""
    return render_template("admin/webhook.html", poll_seconds=POLL_SECONDS, **_one(webhook_id))


@blueprint.get("/webhooks/<int:webhook_id>/live")
@may(Action.WEBHOOK_SEE)
def webhook_live(webhook_id: int) -> ResponseReturnValue:
    """Return the deliveries, for live updates."""
    return fragment("admin/_webhook.html", POLL_SECONDS, **_one(webhook_id))


@blueprint.post("/webhooks/<int:webhook_id>/test")
@may(Action.WEBHOOK_MANAGE)
def test_webhook(webhook_id: int) -> ResponseReturnValue:
    """Send a test event; its response soon appears among the deliveries."""
    services().webhooks.test(actor(), webhook_id)
    flash(_("A test is being sent. The answer appears below shortly."), "good")
    return _back(webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/enable")
@may(Action.WEBHOOK_MANAGE)
def enable_webhook(webhook_id: int) -> ResponseReturnValue:
    """Enable the webhook."""
    services().webhooks.set_enabled(actor(), webhook_id, enabled=True)
    flash(_("It receives events from now on."), "good")
    return _back(webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/disable")
@may(Action.WEBHOOK_MANAGE)
def disable_webhook(webhook_id: int) -> ResponseReturnValue:
    """Disable the webhook."""
    services().webhooks.set_enabled(actor(), webhook_id, enabled=False)
    flash(_("It receives no events until it is enabled again."), "good")
    return _back(webhook_id)


@blueprint.get("/webhooks/<int:webhook_id>/remove")
@may(Action.WEBHOOK_MANAGE)
def confirm_remove_webhook(webhook_id: int) -> ResponseReturnValue:
    """Ask for confirmation before a webhook is removed."""
    page = "admin/_remove_webhook.html" if is_live_request() else "admin/remove_webhook.html"
    return render_template(page, webhook=services().webhooks.one(webhook_id).webhook)


@blueprint.post("/webhooks/<int:webhook_id>/remove")
@may(Action.WEBHOOK_MANAGE)
def remove_webhook(webhook_id: int) -> ResponseReturnValue:
    """Remove the webhook and its deliveries."""
    services().webhooks.remove(actor(), webhook_id)
    flash(_("The webhook and its deliveries were removed."), "good")
    return redirect(url_for("admin.webhooks"), HTTPStatus.SEE_OTHER)


@blueprint.post("/webhooks/deliveries/<int:delivery_id>/retry")
@may(Action.WEBHOOK_MANAGE)
def retry_delivery(delivery_id: int) -> ResponseReturnValue:
    """Send a delivery again."""
    webhook_id = services().webhooks.retry(actor(), delivery_id)
    flash(_("The delivery is being sent again."), "good")
    return _back(webhook_id)


def _list(
    *,
    made: NewWebhook | None = None,
    refusal: Refused | None = None,
    url: str = "",
    chosen: list[str] | None = None,
) -> str:
    return render_template(
        "admin/webhooks.html",
        rows=webhook_rows(services().webhooks.all()),
        events=[(event.value, EVENTS[event]) for event in CHOOSABLE],
        made=made,
        refusal=refusal,
        url=url,
        chosen=chosen or [],
    )


def _one(webhook_id: int) -> dict[str, object]:
    (row,) = webhook_rows([services().webhooks.one(webhook_id)])
    return {"row": row, "deliveries": delivery_rows(services().webhooks.deliveries(webhook_id))}


def _back(webhook_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.webhook", webhook_id=webhook_id), HTTPStatus.SEE_OTHER)
