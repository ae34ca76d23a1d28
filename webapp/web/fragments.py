"""Live regions: a page's fragment, fetched again by the page itself while something moves."""

from typing import Any

from flask import Response, make_response, render_template, request

from webapp.http.context import services
from webapp.web.words import iso

#: Sent by static/js/live.js; such requests get 401 instead of a redirect to the sign-in page.
LIVE_HEADER = "X-Live"


def is_live_request() -> bool:
    """Whether a script of the page asks, not a person's navigation."""
    return request.headers.get(LIVE_HEADER) == "1"


def fragment(template: str, poll_seconds: int, **context: Any) -> Response:
    """The fragment `template`, and when to ask again (in seconds; 0: nothing moves any more)."""
    response = make_response(render_template(template, **context))
    response.headers["X-Live-Seconds"] = str(poll_seconds)
    response.headers["X-Now"] = iso(services().clock.now())
    return response
