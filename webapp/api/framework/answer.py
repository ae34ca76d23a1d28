"""The result of an operation: a structure to send as JSON, status, headers and ETag."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from flask import Request, Response

_ENCODER = msgspec.json.Encoder()
CONTENT_TYPE = "application/json"


@dataclass(frozen=True)
class Answer:
    """The result of an operation; a `value` of None means no body."""

    value: msgspec.Struct | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    """The version of the resource, for If-Match and If-None-Match."""
    reference: str = ""
    """Identifies what was made, to answer a repeat of the same request."""


def respond(answer: Answer, request: Request) -> Response:
    """Return the Flask response; 304 if the client already has this version."""
    body = b"" if answer.value is None else _ENCODER.encode(answer.value)
    response = Response(body, answer.status, dict(answer.headers), content_type=CONTENT_TYPE)
    if answer.value is None:
        del response.headers["Content-Type"]
    if answer.etag is not None:
        response.set_etag(answer.etag)
        if request.method in ("GET", "HEAD") and answer.status == 200:
            response.make_conditional(request)
    return response
