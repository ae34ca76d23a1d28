"""A person's own desktop: launch, show, connect, extend, pause, stop."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.connections.rdp_file import rdp_file
from webapp.domain.errors import Refused
from webapp.http.access import signed_in
from webapp.http.context import actor, services
from webapp.web.desktops import actions
from webapp.web.desktops.home import home_page
from webapp.web.desktops.loading import whole_view
from webapp.web.errors import status_of
from webapp.web.forms import LaunchForm
from webapp.web.fragments import fragment, is_live_request

blueprint = Blueprint("desktops", __name__, url_prefix="/desktops")


@blueprint.post("/")
@signed_in
def launch() -> ResponseReturnValue:
    """Launch a desktop; a repeated request with the same token returns the first desktop."""
    form = LaunchForm(request.form)
    if not form.validate():
        return home_page(form, form.complaint()), HTTPStatus.BAD_REQUEST
    try:
        public_id = services().launcher.launch(actor(), form.wish())
    except Refused as refusal:
        return home_page(form, refusal), status_of(refusal)
    return redirect(url_for("desktops.show", public_id=public_id), HTTPStatus.SEE_OTHER)


@blueprint.get("/<public_id>")
@signed_in
def show(public_id: str) -> ResponseReturnValue:
    """Show the desktop's page."""
    return render_template("desktops/show.html", desktop=whole_view(actor(), public_id))


@blueprint.get("/<public_id>/live")
@signed_in
def live(public_id: str) -> ResponseReturnValue:
    """Return the part of the page that updates live."""
    view = whole_view(actor(), public_id)
    return fragment("desktops/_live.html", view.poll_seconds, desktop=view)


@blueprint.post("/<public_id>/password")
@signed_in
def password(public_id: str) -> ResponseReturnValue:
    """Reveal the password to the owner: as JSON to a script, otherwise on the page."""
    credentials = services().credentials.reveal(actor(), public_id)
    if is_live_request():
        return jsonify(password=credentials.password)
    return render_template(
        "desktops/show.html", desktop=whole_view(actor(), public_id), password=credentials.password
    )


@blueprint.get("/<public_id>/desktop.rdp")
@signed_in
def rdp(public_id: str) -> ResponseReturnValue:
    """Return the file for RDP clients, without the password."""
    target = services().credentials.target(actor(), public_id)
    return Response(
        rdp_file(target),
        content_type="application/x-rdp",
        headers={"Content-Disposition": f'attachment; filename="{target.title}.rdp"'},
    )


@blueprint.post("/<public_id>/extend")
@signed_in
def extend(public_id: str) -> ResponseReturnValue:
    """Extend the desktop."""
    return actions.extend(actor(), public_id, _back_url(public_id))


@blueprint.get("/<public_id>/pause")
@signed_in
def confirm_pause(public_id: str) -> ResponseReturnValue:
    """Ask for confirmation, and say what a pause ends and what it keeps."""
    view = whole_view(actor(), public_id)
    pause_url = url_for("desktops.pause", public_id=public_id)
    return actions.confirm_pause(view, view.url, pause_url)


@blueprint.post("/<public_id>/pause")
@signed_in
def pause(public_id: str) -> ResponseReturnValue:
    """Pause the desktop: shut it down and keep its files."""
    return actions.pause(actor(), public_id, _back_url(public_id))


@blueprint.post("/<public_id>/resume")
@signed_in
def resume(public_id: str) -> ResponseReturnValue:
    """Resume the desktop."""
    return actions.resume(actor(), public_id, _back_url(public_id))


@blueprint.get("/<public_id>/stop")
@signed_in
def confirm_stop(public_id: str) -> ResponseReturnValue:
    """Ask for confirmation before the desktop is stopped."""
    view = whole_view(actor(), public_id)
    stop_url = url_for("desktops.stop", public_id=public_id)
    return actions.confirm_stop(view, view.url, stop_url)


@blueprint.post("/<public_id>/stop")
@signed_in
def stop(public_id: str) -> ResponseReturnValue:
    """Stop the desktop, or cancel its launch."""
    return actions.stop(actor(), public_id, url_for("desktops.show", public_id=public_id))


def _back_url(public_id: str) -> str:
    """The page that the form was on."""
    if request.form.get("back") == "home":
        return url_for("home.show")
    return url_for("desktops.show", public_id=public_id)
