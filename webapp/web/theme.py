"""The colours a person chose, in a cookie, so that the first paint is right without scripts."""

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
class Look:
    """`theme` is empty when the browser's own preference decides."""

    theme: str


@blueprint.app_context_processor
def _look() -> dict[str, Any]:
    wanted = request.cookies.get(services().config.look_cookie_name, "")
    return {"look": Look(wanted if wanted in THEMES else "")}


@blueprint.post("/look")
@anyone
def choose() -> ResponseReturnValue:
    """Remember the colours and go back to where the choice was made."""
    response = redirect(safe_path(request.form.get("next"), url_for("home.show")), 303)
    wanted = request.form.get("look", "")
    theme = wanted if wanted in THEMES else ""
    # Readable by scripts on purpose: static/js/look.js changes it without a round trip.
    config = services().config
    response.set_cookie(
        config.look_cookie_name, theme, max_age=A_YEAR, samesite="Lax", secure=config.is_https
    )
    return response
