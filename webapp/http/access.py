"""Access rules of routes. Every view declares a rule; a view without one is always refused."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.errors import Refused
from webapp.http.context import act_in_role, actor, current_person, may_everywhere, services

View = TypeVar("View", bound=Callable[..., Any])


class Access(StrEnum):
    """The access rules that are no `Action`."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    SCOPE = "scope"
    """Left to the API's own check of the operation's scope."""


def anyone(view: View) -> View:
    """Allow any caller, signed in or not."""
    return _ruled(view, Access.ANYONE)


def signed_in(view: View) -> View:
    """Allow signed-in people. Whatever their role, they act on their own things only."""
    return _ruled(view, Access.SIGNED_IN)


def may(action: Action) -> Callable[[View], View]:
    """Allow people whose role allows the action on everything; they act in that role."""

    def declare(view: View) -> View:
        return _ruled(view, action)

    return declare


def rule_of(view: Callable[..., Any]) -> Access | Action | None:
    """Return the rule that a view declares, or None."""
    return getattr(view, "access", None)


def by_scope(view: View) -> View:
    """Leave the check to the API's blueprint: the key or cookie, and the scope."""
    return _ruled(view, Access.SCOPE)


def init_access(app: Flask, ask_to_sign_in: Callable[[], ResponseReturnValue]) -> None:
    """Check the rule before every request.

    `ask_to_sign_in` returns the response for a caller who is not signed in.
    """

    @app.before_request
    def check() -> ResponseReturnValue | None:
        return _check(ask_to_sign_in)


def _ruled(view: View, access: Access | Action) -> View:
    view.access = access  # type: ignore[attr-defined]  # functions take attributes
    return view


def _check(ask_to_sign_in: Callable[[], ResponseReturnValue]) -> ResponseReturnValue | None:
    if request.endpoint is None:  # unknown address or wrong method: an error page
        return None
    rule = rule_of(current_app.view_functions[request.endpoint])
    if rule in (Access.ANYONE, Access.SCOPE):
        return None
    person = current_person()
    if person is None:
        return ask_to_sign_in()
    if rule is Access.SIGNED_IN:
        return None
    if isinstance(rule, Action) and may_everywhere(rule):
        act_in_role()
        return None
    refusal = Refused("forbidden.page", right=rule) if rule else Refused("forbidden.no_rule")
    services().audit.refuse(actor(), "page.open", request.path, refusal)
    return abort(403)
