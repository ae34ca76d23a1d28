"""Who may call a route. Every view names its rule; one without a rule is refused to everybody."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.web.context import current_person
from webapp.web.live import is_live_request

View = TypeVar("View", bound=Callable[..., Any])


class Access(StrEnum):
    """The rules."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    ADMIN = "admin"


def anyone(view: View) -> View:
    """Open to everybody, signed in or not."""
    return _ruled(view, Access.ANYONE)


def signed_in(view: View) -> View:
    """For people who are signed in; what they see is limited to their own by the services."""
    return _ruled(view, Access.SIGNED_IN)


def admin_only(view: View) -> View:
    """For administrators."""
    return _ruled(view, Access.ADMIN)


def rule_of(view: Callable[..., Any]) -> Access | None:
    """The rule that a view names, or None."""
    return getattr(view, "access", None)


def init_access(app: Flask) -> None:
    """Check the rule before every request."""
    app.before_request(_check)


def _ruled(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]  # functions take attributes
    return view


def _check() -> ResponseReturnValue | None:
    if request.endpoint is None:  # no such address, or the wrong method: the error pages answer
        return None
    rule = rule_of(current_app.view_functions[request.endpoint])
    if rule is Access.ANYONE:
        return None
    person = current_person()
    if person is None:
        return _ask_to_sign_in()
    if rule is Access.SIGNED_IN or (rule is Access.ADMIN and person.is_admin):
        return None
    return abort(403)


def _ask_to_sign_in() -> ResponseReturnValue:
    if is_live_request():
        return "", 401
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("signin.show", next=None if wanted == "/" else wanted), 303)
