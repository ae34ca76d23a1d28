"""What an operation answers: a structure as JSON, its status and headers, and its ETag."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from flask import Request, Response

_ENCODER = msgspec.json.Encoder()
CONTENT_TYPE = "application/json"


@dataclass(frozen=True)
class Answer:
    """`value` None: no body."""

    value: msgspec.Struct | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    """Names this version of the thing, for If-Match and If-None-Match."""
    reference: str = ""
    """What was made, for who sends the same request again."""


def respond(answer: Answer, request: Request) -> Response:
    """The answer as Flask wants it; 304 for who has this version already."""
    body = b"" if answer.value is None else _ENCODER.encode(answer.value)
    response = Response(body, answer.status, dict(answer.headers), content_type=CONTENT_TYPE)
    if answer.value is None:
        del response.headers["Content-Type"]
    if answer.etag is not None:
        response.set_etag(answer.etag)
        if request.method in ("GET", "HEAD") and answer.status == 200:
            response.make_conditional(request)
    return response
