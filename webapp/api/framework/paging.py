"""Paging of lists with `limit` and an opaque `cursor`; the link `next` leads to the next page."""

import base64
from typing import Annotated, TypeVar
from urllib.parse import urlencode

import msgspec
from flask import request
from msgspec import Meta

from webapp.api.framework.problem import invalid
from webapp.api.framework.schema import RequestBody

T = TypeVar("T")
MOST = 200

Limit = Annotated[int, Meta(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[
    str, Meta(max_length=300, description="Where to go on: the `next_cursor` of the last page.")
]


class PageQuery(RequestBody):
    """The paging parameters of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


def encode_cursor(*parts: str | int) -> str:
    """Return an opaque cursor that contains the parts."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def decode_cursor(text: str, kind: type[T]) -> T:
    """Return the content of an opaque cursor. Raises Problem: invalid-input."""
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.DecodeError):
        raise bad_cursor() from None


def bad_cursor() -> Exception:
    """Return the problem for a cursor that is forged or belongs to another list."""
    return invalid("", "That cursor does not belong to this list.", parameter="cursor")


def next_link(cursor: str | None) -> dict[str, str]:
    """Return the Link header to the next page; empty on the last page."""
    if cursor is None:
        return {}
    arguments = {**request.args.to_dict(), "cursor": cursor}
    return {"Link": f'<{request.path}?{urlencode(arguments)}>; rel="next"'}
