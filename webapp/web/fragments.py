"""Live regions: page fragments that the page's script fetches again while they can change."""

from typing import Any

from flask import Response, make_response, render_template, request

from webapp.http.context import services
from webapp.web.words import iso

#: Header of requests from static/js/live.js, which get 401 instead of a sign-in redirect.
LIVE_HEADER = "X-Live"


def is_live_request() -> bool:
    """Whether the request comes from the page's script, not from navigation."""
    return request.headers.get(LIVE_HEADER) == "1"


def fragment(template: str, poll_seconds: int, **context: Any) -> Response:
    """Render the fragment; `poll_seconds` is the time to the next fetch, 0 for no more."""
    response = make_response(render_template(template, **context))
    response.headers["X-Live-Seconds"] = str(poll_seconds)
    response.headers["X-Now"] = iso(services().clock.now())
    return response
