"""The chosen colour theme, in a cookie, so that the first paint is right without scripts."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.http.access import anyone
from webapp.http.context import services
from webapp.web.next_path import safe_path

blueprint = Blueprint("look", __name__)

THEMES = frozenset({"light", "dark", "contrast"})
A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class ThemeChoice:
    """The chosen theme; empty to follow the browser's preference."""

    theme: str


@blueprint.app_context_processor
def _look() -> dict[str, Any]:
    wanted = request.cookies.get(services().config.theme_cookie_name, "")
    return {"look": ThemeChoice(wanted if wanted in THEMES else "")}


@blueprint.post("/look")
@anyone
def choose() -> ResponseReturnValue:
    """Store the theme and redirect to the page of the form."""
    response = redirect(safe_path(request.form.get("next"), url_for("home.show")), 303)
    wanted = request.form.get("look", "")
    theme = wanted if wanted in THEMES else ""
    # Readable by scripts on purpose: static/js/look.js changes it without a request.
    config = services().config
    response.set_cookie(
        config.theme_cookie_name, theme, max_age=A_YEAR, samesite="Lax", secure=config.is_https
    )
    return response
