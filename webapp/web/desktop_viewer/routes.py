"""The desktop viewer: the page, its ticket, its heartbeat, and the beacon of a closed tab.

The page never receives the desktop's password: the gateway signs in.
"""

from functools import cache
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from webapp.config import ROOT
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.errors import WinuxError
from webapp.http.access import signed_in
from webapp.http.context import actor, services
from webapp.http.security import content_security_policy
from webapp.services.desktops.presence import Heartbeat
from webapp.web.desktop_viewer.texts import view_words
from webapp.web.desktops.loading import whole_view
from webapp.web.desktops.view import DesktopView
from webapp.web.errors import show_own, status_of
from webapp.web.texts.refusals import message_of, what_to_do
from webapp.web.vendor import vendor_url
from webapp.web.words import iso

blueprint = Blueprint("connect", __name__, url_prefix="/desktops/<public_id>/view")


@blueprint.get("")
@signed_in
def show(public_id: str) -> ResponseReturnValue:
    """Show the viewer, or redirect to the desktop's page if it is not ready."""
    desktop = whole_view(actor(), public_id)
    if not desktop.is_ready:
        return redirect(desktop.url, HTTPStatus.SEE_OTHER)
    presence = services().presence.heartbeat(actor(), public_id)
    response = make_response(
        render_template(
            "desktop_view.html",
            settings=_settings(desktop, presence),
            kept_until=desktop.kept_until,
            layouts=KEYBOARD_LAYOUTS,
            modules=_modules(),
            wasm_url=vendor_url("rdp.wasm"),
        )
    )
    response.headers["Content-Security-Policy"] = _policy()
    return response


@blueprint.post("/ticket")
@signed_in
def ticket(public_id: str) -> ResponseReturnValue:
    """Issue a ticket, with which the page's script may open one connection."""
    issued = services().tickets.issue(
        actor(),
        public_id,
        sign_in_id=current_user.signed_in.sign_in_id,
        keyboard_layout=request.form.get("keyboard_layout", "us"),
    )
    return jsonify(
        ticket=issued.token,
        gateway_url=issued.gateway_url,
        clipboard_in=issued.clipboard_in,
        clipboard_out=issued.clipboard_out,
    )


@blueprint.post("/heartbeat")
@signed_in
def heartbeat(public_id: str) -> ResponseReturnValue:
    """Record that the viewer is open; return the current state."""
    return _state(public_id, services().presence.heartbeat(actor(), public_id))


@blueprint.post("/extend")
@signed_in
def extend(public_id: str) -> ResponseReturnValue:
    """Extend the desktop by the time that its page offers."""
    minutes = whole_view(actor(), public_id).extend_minutes
    services().lifetime.extend(actor(), public_id, minutes)
    return heartbeat(public_id)


@blueprint.post("/stop")
@signed_in
def stop(public_id: str) -> ResponseReturnValue:
    """Stop the desktop."""
    services().lifetime.stop(actor(), public_id)
    return jsonify(url=url_for("desktops.show", public_id=public_id))


@blueprint.post("/pause")
@signed_in
def pause(public_id: str) -> ResponseReturnValue:
    """Pause the desktop: shut it down and keep its files."""
    services().pauses.pause(actor(), public_id)
    return heartbeat(public_id)


@blueprint.post("/resume")
@signed_in
def resume(public_id: str) -> ResponseReturnValue:
    """Resume the desktop."""
    services().pauses.resume(actor(), public_id)
    return heartbeat(public_id)


@blueprint.post("/end-on-close")
@signed_in
def end_on_close(public_id: str) -> ResponseReturnValue:
    """Store whether closing the tab ends the desktop."""
    wanted = request.form.get("wanted") == "yes"
    services().presence.choose_end_on_close(actor(), public_id, wanted=wanted)
    return heartbeat(public_id)


@blueprint.post("/left")
@signed_in
def left(public_id: str) -> ResponseReturnValue:
    """Handle the beacon of a closing tab, which has the CSRF token in its body, like a form."""
    services().presence.left(actor(), public_id)
    return "", HTTPStatus.NO_CONTENT


@blueprint.errorhandler(WinuxError)
def refuse(error: WinuxError) -> ResponseReturnValue:
    """Return a refusal as JSON to the page's script; `again` means that a retry may succeed.

    A refusal of the page itself is shown as an error page.
    """
    if request.endpoint == "connect.show":
        return show_own(error)
    status = status_of(error)
    answer = jsonify(
        message=message_of(error),
        what_to_do=what_to_do(error),
        reason=getattr(error, "reason", ""),
        again=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    return answer, status


def _state(public_id: str, presence: Heartbeat) -> Response:
    desktop = whole_view(actor(), public_id)
    return jsonify(_moving(desktop, presence))


def _moving(desktop: DesktopView, presence: Heartbeat) -> dict[str, object]:
    """Return the settings that change while the page is open."""
    return {
        "now": iso(desktop.now),
        "state": presence.state,
        "deadline_at": iso(presence.deadline_at) if presence.deadline_at else None,
        "extend_minutes": desktop.extend_minutes,
        "idle_soon": presence.is_idle_soon,
        "end_on_close": presence.end_on_close,
    }


def _settings(desktop: DesktopView, presence: Heartbeat) -> dict[str, object]:
    """Return the settings of the page's script."""
    names = ("ticket", "heartbeat", "extend", "pause", "resume", "stop", "left", "end_on_close")
    urls = {name: url_for(f"connect.{name}", public_id=desktop.id) for name in names}
    urls |= {"page": desktop.url, "ping": _gateway_http() + "/gateway/ping"}
    here = url_for("connect.show", public_id=desktop.id)
    urls["sign_in"] = url_for("signin.show", next=here)
    return _moving(desktop, presence) | {
        "id": desktop.id,
        "title": f"{desktop.title} · {desktop.id}",
        "module_url": vendor_url("rdp.js"),
        "keyboard_layout": desktop.row.keyboard_layout,
        "csrf": generate_csrf(),
        "urls": urls,
        "words": view_words(),
    }


@cache
def _modules() -> list[str]:
    """Return the page's modules, so that the browser loads them in parallel."""
    files = sorted((ROOT / "static/js/desktop-view").glob("*.js"))
    return [f"js/desktop-view/{file.name}" for file in files]


def _gateway_http() -> str:
    """Return the gateway's origin as an HTTP URL, for fetch()."""
    parts = urlsplit(services().config.gateway_url)
    return f"{parts.scheme.replace('ws', 'http', 1)}://{parts.netloc}"


def _policy() -> str:
    """Return the policy of this page: it also allows WebAssembly, the gateway and data: images.

    The images are mouse cursors.
    """
    parts = urlsplit(services().config.gateway_url)
    return content_security_policy(
        script_src="'self' 'wasm-unsafe-eval'",
        connect_src=f"'self' {parts.scheme}://{parts.netloc} {_gateway_http()}",
        img_src="'self' data:",
    )
