"""What all JSON of the API is made of: strict structures, and types that many of them share."""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

#: A member that may be left out.
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


class Sent(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a program sends: a member that is not known is refused."""

    NOT_BOTH: ClassVar[tuple[str, ...]] = ()
    """Members of which one may be there."""


class Told(Struct, kw_only=True):
    """What a program is told; members may be added, so it must not refuse what it does not know."""
