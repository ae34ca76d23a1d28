"""Base classes of the API's JSON structures, and types that many of them share."""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

#: The type and the default of an optional member.
Unset = UnsetType
LEFT_OUT = UNSET

SessionId = Annotated[
    str,
    Meta(
        pattern="^desktop-[0-9a-f]{8}$",
        description="Public id of a session.",
        examples=["desktop-1a2b3c4d"],
    ),
]
Moment = Annotated[
    datetime,
    Meta(tz=True, description="A moment, in UTC.", examples=["2026-03-02T10:15:00Z"]),
]


class RequestBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A request structure; unknown members are rejected."""

    NOT_BOTH: ClassVar[tuple[str, ...]] = ()
    """Members of which at most one may be present."""


class ResponseBody(Struct, kw_only=True):
    """A response structure; clients must ignore unknown members, since members may be added."""
