"""Logs one line for each request, with an id that is also shown on error pages."""

import logging
import secrets
import time

from flask import Flask, Response, g, request

from webapp.http.context import current_person, source_address

log = logging.getLogger("winux.web")

LONGEST_PATH = 200


def init_request_log(app: Flask) -> None:
    """Assign an id to each request and log it without its query string, which may be private."""

    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(6)
        g.began = time.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = request_id()
        if request.endpoint != "static":
            log.info("Request", extra=_fields(response))
        return response


def request_id() -> str:
    """Return this request's id, as logged."""
    return str(g.get("request_id", ""))


def _fields(response: Response) -> dict[str, object]:
    return {
        "request": request_id(),
        "method": request.method,
        "path": request.path[:LONGEST_PATH],
        "status": response.status_code,
        "milliseconds": round((time.monotonic() - g.get("began", time.monotonic())) * 1000),
        "person": _person_name(),
        "source": source_address(),
    }


def _person_name() -> str | None:
    """Return the name of the caller: the key's holder, set by the API, or the signed-in person."""
    if name := g.get("person_name"):
        return str(name)
    person = current_person()
    return person.name if person else None
