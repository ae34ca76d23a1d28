"""The desktops of all people: search, sort, inspect, extend, pause, and stop one or many."""

from http import HTTPStatus

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.errors import NotFound
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.web.admin.blueprint import blueprint
from webapp.web.admin.desktop_list import admin_list
from webapp.web.desktops import actions
from webapp.web.desktops.loading import whole_view
from webapp.web.desktops.view import DesktopView
from webapp.web.fragments import fragment
from webapp.web.language import _, ngettext

#: Desktops in one form; enough for a few pages of rows ticked by hand.
MOST_AT_ONCE = 100


@blueprint.get("/desktops/")
@may(Action.DESKTOP_SEE)
def desktops() -> ResponseReturnValue:
    """Show the list."""
    return render_template("admin/desktops.html", page=admin_list())


@blueprint.get("/desktops/live")
@may(Action.DESKTOP_SEE)
def desktops_live() -> ResponseReturnValue:
    """Return the table of the page, for live updates."""
    page = admin_list()
    return fragment("admin/_desktops.html", page.poll_seconds, page=page)


@blueprint.get("/desktops/<public_id>")
@may(Action.DESKTOP_SEE)
def desktop(public_id: str) -> ResponseReturnValue:
    """Show one desktop with the details for administrators, but never its password."""
    return render_template("admin/desktop.html", desktop=_view(public_id))


@blueprint.get("/desktops/<public_id>/live")
@may(Action.DESKTOP_SEE)
def desktop_live(public_id: str) -> ResponseReturnValue:
    """Return the part of the page that updates live."""
    view = _view(public_id)
    return fragment("admin/_desktop.html", view.poll_seconds, desktop=view)


@blueprint.post("/desktops/<public_id>/extend")
@may(Action.DESKTOP_EXTEND)
def extend(public_id: str) -> ResponseReturnValue:
    """Extend a person's desktop."""
    return actions.extend(actor(), public_id, _page_url(public_id))


@blueprint.get("/desktops/<public_id>/pause")
@may(Action.DESKTOP_PAUSE)
def confirm_pause(public_id: str) -> ResponseReturnValue:
    """Ask for confirmation, and say what a pause ends and what it keeps."""
    view = _view(public_id)
    pause_url = url_for("admin.pause", public_id=public_id)
    return actions.confirm_pause(view, view.admin_url, pause_url)


@blueprint.post("/desktops/<public_id>/pause")
@may(Action.DESKTOP_PAUSE)
def pause(public_id: str) -> ResponseReturnValue:
    """Pause a person's desktop: shut it down and keep its files."""
    return actions.pause(actor(), public_id, _page_url(public_id))


@blueprint.post("/desktops/<public_id>/resume")
@may(Action.DESKTOP_RESUME)
def resume(public_id: str) -> ResponseReturnValue:
    """Resume a person's desktop."""
    return actions.resume(actor(), public_id, _page_url(public_id))


@blueprint.get("/desktops/<public_id>/stop")
@may(Action.DESKTOP_STOP)
def confirm_stop(public_id: str) -> ResponseReturnValue:
    """Ask for confirmation before a desktop is stopped."""
    view = _view(public_id)
    stop_url = url_for("admin.stop", public_id=public_id)
    return actions.confirm_stop(view, view.admin_url, stop_url)


@blueprint.post("/desktops/<public_id>/stop")
@may(Action.DESKTOP_STOP)
def stop(public_id: str) -> ResponseReturnValue:
    """Stop a person's desktop."""
    return actions.stop(actor(), public_id, _page_url(public_id))


@blueprint.post("/desktops/stop/confirm")
@may(Action.DESKTOP_STOP)
def confirm_stop_many() -> ResponseReturnValue:
    """List the ticked desktops and ask for confirmation."""
    ticked = [view for view in _ticked() if view.can_stop]
    if not ticked:
        flash(_("Tick the desktops to stop first."), "warn")
        return redirect(url_for("admin.desktops"), HTTPStatus.SEE_OTHER)
    return render_template("admin/stop_many.html", desktops=ticked)


@blueprint.post("/desktops/stop")
@may(Action.DESKTOP_STOP)
def stop_many() -> ResponseReturnValue:
    """Stop the confirmed desktops."""
    ticked = [view for view in _ticked() if view.can_stop]
    for view in ticked:
        services().lifetime.stop(actor(), view.id)
    flash(
        ngettext(
            "%(num)s desktop is being stopped.", "%(num)s desktops are being stopped.", len(ticked)
        ),
        "good",
    )
    return redirect(url_for("admin.desktops"), HTTPStatus.SEE_OTHER)


def _page_url(public_id: str) -> str:
    return url_for("admin.desktop", public_id=public_id)


def _view(public_id: str) -> DesktopView:
    return whole_view(actor(), public_id)


def _ticked() -> list[DesktopView]:
    """Return the desktops in the form, without those that no longer exist."""
    views = []
    for public_id in dict.fromkeys(request.form.getlist("desktop")[:MOST_AT_ONCE]):
        try:
            views.append(_view(public_id))
        except NotFound:
            continue
    return views
