"""One log line for each request, as JSON, with an id that the person sees on an error page."""

import json
import logging
import secrets
import time
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from webapp.web.context import current_person, source_address

log = logging.getLogger("winux.web")

#: What a request's line carries beside time, level and text.
FIELDS = ("request_id", "method", "path", "status", "milliseconds", "person", "source")
LONGEST_PATH = 200


class JsonLines(logging.Formatter):
    """Each record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging() -> None:
    """Write this process's log to standard error, as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def init_request_log(app: Flask) -> None:
    """Give each request its id and its line; query strings stay out, they may be private."""

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
    """This request's id, as the log has it."""
    return str(g.get("request_id", ""))


def _fields(response: Response) -> dict[str, object]:
    person = current_person()
    return {
        "request_id": request_id(),
        "method": request.method,
        "path": request.path[:LONGEST_PATH],
        "status": response.status_code,
        "milliseconds": round((time.monotonic() - g.get("began", time.monotonic())) * 1000),
        "person": person.name if person else None,
        "source": source_address(),
    }
