"""What a form asks of one desktop, on its owner's pages and on the administrators'.

A page names the actor, and the address that the browser goes back to.
"""

from http import HTTPStatus

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp.domain.errors import Refused
from webapp.http.context import services
from webapp.services.audit.record import Actor
from webapp.web.desktops.view import DesktopView
from webapp.web.forms import parse_minutes
from webapp.web.fragments import is_live_request
from webapp.web.language import _
from webapp.web.texts.refusals import sentence_of
from webapp.web.words import minutes_words


def extend(actor: Actor, public_id: str, back_url: str) -> ResponseReturnValue:
    """Add the minutes of the form."""
    minutes = parse_minutes(request.form.get("minutes", ""))
    try:
        services().lifetime.extend(actor, public_id, minutes)
    except Refused as refusal:
        flash(sentence_of(refusal), "bad")
    else:
        flash(_("Extended by %(time)s.", time=minutes_words(minutes)), "good")
    return redirect(back_url, HTTPStatus.SEE_OTHER)


def confirm_pause(desktop: DesktopView, back_url: str, pause_url: str) -> ResponseReturnValue:
    """Show what a pause ends and what it keeps: as a dialog for a script, else as a page."""
    if not desktop.can_pause:
        return redirect(back_url, HTTPStatus.SEE_OTHER)
    return render_template(
        "desktops/_pause.html" if is_live_request() else "desktops/pause.html",
        desktop=desktop,
        back_url=back_url,
        pause_url=pause_url,
    )


def pause(actor: Actor, public_id: str, back_url: str) -> ResponseReturnValue:
    """Shut the desktop down and keep it."""
    try:
        services().pauses.pause(actor, public_id)
    except Refused as refusal:
        flash(sentence_of(refusal), "bad")
    return redirect(back_url, HTTPStatus.SEE_OTHER)


def resume(actor: Actor, public_id: str, back_url: str) -> ResponseReturnValue:
    """Start a paused desktop."""
    try:
        services().pauses.resume(actor, public_id)
    except Refused as refusal:
        flash(sentence_of(refusal), "bad")
    return redirect(back_url, HTTPStatus.SEE_OTHER)


def confirm_stop(desktop: DesktopView, back_url: str, stop_url: str) -> ResponseReturnValue:
    """Ask before the desktop's files are lost: as a dialog for a script, else as a page."""
    if not desktop.can_stop:
        return redirect(back_url, HTTPStatus.SEE_OTHER)
    return render_template(
        "desktops/_stop.html" if is_live_request() else "desktops/stop.html",
        desktop=desktop,
        back_url=back_url,
        stop_url=stop_url,
    )


def stop(actor: Actor, public_id: str, back_url: str) -> ResponseReturnValue:
    """Stop the desktop, or cancel its launch."""
    services().lifetime.stop(actor, public_id)
    return redirect(back_url, HTTPStatus.SEE_OTHER)
