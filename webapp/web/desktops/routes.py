"""A person's own desktop: launch, show, connect, extend, pause, stop."""

from http import HTTPStatus

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.connections.rdp_file import rdp_file
from webapp.domain.errors import Refused
from webapp.http.access import signed_in
from webapp.http.context import actor, services
from webapp.web.desktops.home import home_page
from webapp.web.desktops.loading import whole_view
from webapp.web.errors import status_of
from webapp.web.forms import LaunchForm, parse_minutes
from webapp.web.fragments import fragment, is_live_request
from webapp.web.language import _
from webapp.web.words import minutes_words

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
    minutes = parse_minutes(request.form.get("minutes", ""))
    try:
        services().lifetime.extend(actor(), public_id, minutes)
    except Refused as refusal:
        flash(str(refusal), "bad")
    else:
        flash(_("Extended by %(time)s.", time=minutes_words(minutes)), "good")
    return _back(public_id)


@blueprint.get("/<public_id>/pause")
@signed_in
def confirm_pause(public_id: str) -> ResponseReturnValue:
    """Ask for confirmation, and say what a pause ends and what it keeps."""
    desktop = whole_view(actor(), public_id)
    if not desktop.can_pause:
        return redirect(desktop.url, HTTPStatus.SEE_OTHER)
    return render_template(
        "desktops/_pause.html" if is_live_request() else "desktops/pause.html",
        desktop=desktop,
        back_url=desktop.url,
        pause_url=url_for("desktops.pause", public_id=public_id),
    )


@blueprint.post("/<public_id>/pause")
@signed_in
def pause(public_id: str) -> ResponseReturnValue:
    """Pause the desktop: shut it down and keep its files."""
    try:
        services().pauses.pause(actor(), public_id)
    except Refused as refusal:
        flash(str(refusal), "bad")
    return _back(public_id)


@blueprint.post("/<public_id>/resume")
@signed_in
def resume(public_id: str) -> ResponseReturnValue:
    """Resume the desktop."""
    try:
        services().pauses.resume(actor(), public_id)
    except Refused as refusal:
        flash(str(refusal), "bad")
    return _back(public_id)


@blueprint.get("/<public_id>/stop")
@signed_in
def confirm_stop(public_id: str) -> ResponseReturnValue:
    """Ask for confirmation before the desktop is stopped."""
    desktop = whole_view(actor(), public_id)
    if not desktop.can_stop:
        return redirect(desktop.url, HTTPStatus.SEE_OTHER)
    return render_template(
        "desktops/_stop.html" if is_live_request() else "desktops/stop.html",
        desktop=desktop,
        back_url=desktop.url,
        stop_url=url_for("desktops.stop", public_id=public_id),
    )


@blueprint.post("/<public_id>/stop")
@signed_in
def stop(public_id: str) -> ResponseReturnValue:
    """Stop the desktop, or cancel its launch."""
    services().lifetime.stop(actor(), public_id)
    return redirect(url_for("desktops.show", public_id=public_id), HTTPStatus.SEE_OTHER)


def _back(public_id: str) -> ResponseReturnValue:
    """Redirect to the page of the form."""
    if request.form.get("back") == "home":
        return redirect(url_for("home.show"), HTTPStatus.SEE_OTHER)
    return redirect(url_for("desktops.show", public_id=public_id), HTTPStatus.SEE_OTHER)
