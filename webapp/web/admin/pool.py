"""The pools: the number of warm desktops and its reason, schedules, and draining."""

from http import HTTPStatus

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.errors import BadInput, Refused
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.services.pool.settings import NUMBERS, ScheduleRequest
from webapp.web.admin.blueprint import blueprint
from webapp.web.admin.pool_view import POLL_SECONDS, PoolPage, pool_pages
from webapp.web.fragments import fragment, is_live_request
from webapp.web.language import _, ngettext
from webapp.web.texts.refusals import sentence_of


@blueprint.get("/pool/")
@may(Action.POOL_SEE)
def pools() -> ResponseReturnValue:
    """Show all templates with their pools."""
    return render_template("admin/pools.html", poll_seconds=POLL_SECONDS, pools=pool_pages())


@blueprint.get("/pool/live")
@may(Action.POOL_SEE)
def pools_live() -> ResponseReturnValue:
    """Return the table of the page, for live updates."""
    return fragment("admin/_pools.html", POLL_SECONDS, pools=pool_pages())


@blueprint.get("/pool/<name>")
@may(Action.POOL_SEE)
def pool(name: str) -> ResponseReturnValue:
    """Show one template's pool."""
    return render_template("admin/pool.html", poll_seconds=POLL_SECONDS, pool=_page(name))


@blueprint.get("/pool/<name>/live")
@may(Action.POOL_SEE)
def pool_live(name: str) -> ResponseReturnValue:
    """Return the part of the page that updates live."""
    return fragment("admin/_pool.html", POLL_SECONDS, pool=_page(name))


@blueprint.post("/pool/<name>")
@may(Action.POOL_CHANGE)
def change_pool(name: str) -> ResponseReturnValue:
    """Change the size of the pool."""
    try:
        values: dict[str, int | bool] = {key: _number(key) for key in NUMBERS}
        values["follows_demand"] = "follows_demand" in request.form
        services().pools.change(actor(), name, values)
    except Refused as refusal:
        flash(sentence_of(refusal), "bad")
    else:
        flash(_("Saved. The pool reaches its new size shortly."), "good")
    return _back(name)


@blueprint.post("/pool/<name>/schedules")
@may(Action.POOL_CHANGE)
def add_schedule(name: str) -> ResponseReturnValue:
    """Add a schedule of desktops, for weekly hours or a date."""
    form = request.form
    try:
        wish = ScheduleRequest(
            desktops=_number("desktops"),
            begins=form.get("begins", ""),
            ends=form.get("ends", ""),
            every=" ".join(form.getlist("weekday")),
            on=form.get("on", ""),
            in_all=form.get("how") == "in_all",
        )
        services().pools.add_schedule(actor(), name, wish)
    except Refused as refusal:
        flash(sentence_of(refusal), "bad")
    else:
        flash(_("The schedule was added."), "good")
    return _back(name)


@blueprint.post("/pool/schedules/<int:schedule_id>/remove")
@may(Action.POOL_CHANGE)
def remove_schedule(schedule_id: int) -> ResponseReturnValue:
    """Remove a schedule."""
    name = services().pools.remove_schedule(actor(), schedule_id)
    flash(_("The schedule was removed."), "good")
    return _back(name)


@blueprint.get("/pool/<name>/drain")
@may(Action.POOL_CHANGE)
def confirm_drain(name: str) -> ResponseReturnValue:
    """Ask for confirmation before the pool is drained."""
    fragment_or_page = "admin/_drain.html" if is_live_request() else "admin/drain.html"
    return render_template(fragment_or_page, pool=_page(name))


@blueprint.post("/pool/<name>/drain")
@may(Action.POOL_CHANGE)
def drain_pool(name: str) -> ResponseReturnValue:
    """Remove all warm desktops from the pool; new ones are built."""
    count = services().pools.drain(actor(), name)
    flash(
        ngettext("%(num)s desktop is being removed.", "%(num)s desktops are being removed.", count),
        "good",
    )
    return _back(name)


def _page(name: str) -> PoolPage:
    return PoolPage(services().pools.one(name))


def _back(name: str) -> ResponseReturnValue:
    return redirect(url_for("admin.pool", name=name), HTTPStatus.SEE_OTHER)


def _number(field: str) -> int:
    text = request.form.get(field, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadInput(field, "whole_number", text=text[:20])
    return int(text)
