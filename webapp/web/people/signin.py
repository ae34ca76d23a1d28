"""Signing in and out."""

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from werkzeug.wrappers import Response

from webapp.domain.errors import Refused, TooMany
from webapp.domain.people import devices
from webapp.http.access import anyone, signed_in
from webapp.http.context import actor, current_person, load_person, services, source_address
from webapp.web.forms import SignInForm
from webapp.web.fragments import is_live_request
from webapp.web.next_path import safe_path

blueprint = Blueprint("signin", __name__)


@blueprint.get("/sign-in")
@anyone
def show() -> ResponseReturnValue:
    """Show the form, or redirect a person who is already signed in."""
    if current_person():
        return redirect(_next_path(request.args.get("next")), 303)
    return _page(SignInForm(), request.args.get("next"))


@blueprint.post("/sign-in")
@anyone
def enter() -> ResponseReturnValue:
    """Sign in with a fresh session, so that nothing of an earlier one remains in the cookie."""
    form = SignInForm(request.form)
    wanted = request.form.get("next")
    if not form.validate():
        return _page(form, wanted), 400
    try:
        token = services().accounts.sign_in(
            form.name.data or "",
            form.password.data or "",
            source_address(),
            request.user_agent.string,
            shown_device(),
        )
    except Refused as refusal:
        return _refused(form, wanted, refusal)
    _leave()
    person = load_person(token)
    if person is None:  # suspended at this very moment
        return redirect(url_for("signin.show"), 303)
    login_user(person)
    return remember_device(redirect(_next_path(wanted), 303), person.id)


@blueprint.post("/sign-out")
@signed_in
def leave() -> ResponseReturnValue:
    """Sign out, in the browser and on the server."""
    person = current_person()
    if person:
        services().accounts.sign_out(actor(), person.token)
    _leave()
    return redirect(url_for("signin.show"), 303)


def ask_to_sign_in() -> ResponseReturnValue:
    """Return the response to a caller who is not signed in: 401 to scripts, else a redirect."""
    if is_live_request():
        return "", 401
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("signin.show", next=None if wanted == "/" else wanted), 303)


def shown_device() -> str:
    """Return the device cookie of this browser."""
    return request.cookies.get(services().config.device_cookie_name, "")


def remember_device(response: Response, person_id: int) -> Response:
    """Set the device cookie, which proves at the next sign-in that this person used it."""
    config = services().config
    response.set_cookie(
        config.device_cookie_name,
        services().accounts.device_cookie(person_id, shown_device()),
        max_age=devices.LIFE,
        secure=config.is_https,
        httponly=True,
        samesite="Strict",
        path="/",
    )
    return response


def _leave() -> None:
    logout_user()
    session.clear()


def _next_path(wanted: str | None) -> str:
    return safe_path(wanted, url_for("home.show"))


def _page(form: SignInForm, wanted: str | None, refusal: Refused | None = None) -> str:
    wait = int(refusal.retry_after.total_seconds()) + 1 if isinstance(refusal, TooMany) else 0
    return render_template(
        "signin/show.html",
        form=form,
        next_path=safe_path(wanted, ""),
        refusal=refusal,
        wait_seconds=wait,
    )


def _refused(form: SignInForm, wanted: str | None, refusal: Refused) -> ResponseReturnValue:
    headers = {}
    if isinstance(refusal, TooMany):
        headers["Retry-After"] = str(int(refusal.retry_after.total_seconds()) + 1)
    status = 429 if isinstance(refusal, TooMany) else 401
    return _page(form, wanted, refusal), status, headers
