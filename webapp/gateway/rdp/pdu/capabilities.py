"""The capabilities of both sides in Demand and Confirm Active (MS-RDPBCGR 2.2.1.13)."""

import struct
from collections.abc import Iterator

from webapp.gateway.connection.wire import ProtocolError

_DEMAND_FIXED, _CONFIRM_FIXED = 14, 16
"""Bytes of the share control header, share id, originator (Confirm only) and two lengths."""
_DEMAND_END, _CONFIRM_END = 4, 0
"""A Demand Active ends with a session id."""
_MOST_SETS = 64
_BITMAP = 2
_SIZE_AT = 12
"""desktopWidth and desktopHeight in a Bitmap Capability Set (2.2.7.1.2)."""
_LARGEST_SCREEN = 8192
"""xrdp allows no more in either direction."""
_FRAME_ACKNOWLEDGE = 0x1E
"""CAPSETTYPE_FRAME_ACKNOWLEDGE (MS-RDPRFX 2.2.1.3): frames sent ahead of their acknowledgement."""
FRAMES_AHEAD = 4
"""IronRDP announces 20: over a slow line the screen would lag behind by 20 frames."""

RUNAWAY_FRAMES = FRAMES_AHEAD + 1
"""Only a desktop that has stopped waiting for acknowledgements is this far ahead."""


def limit_frames(payload: bytes) -> bytes:
    """Return a Confirm Active PDU with at most FRAMES_AHEAD frames ahead. Raises ProtocolError."""
    limited = payload
    for kind, place, size in list(_sets(payload, _CONFIRM_FIXED, _CONFIRM_END)):
        if kind == _FRAME_ACKNOWLEDGE:
            if size != 8:
                raise ProtocolError("a frame acknowledge capability of another length")
            (ahead,) = struct.unpack_from("<I", payload, place + 4)
            ahead = struct.pack("<I", min(ahead, FRAMES_AHEAD))
            limited = payload[: place + 4] + ahead + payload[place + 8 :]
    return limited


def screen_size(payload: bytes) -> tuple[int, int]:
    """Return the width and height in a Demand Active PDU. Raises ProtocolError."""
    found = (0, 0)
    for kind, place, size in _sets(payload, _DEMAND_FIXED, _DEMAND_END):
        if kind == _BITMAP and size >= _SIZE_AT + 4:
            found = struct.unpack_from("<HH", payload, place + _SIZE_AT)
    if not 0 < max(found) <= _LARGEST_SCREEN:
        raise ProtocolError(f"a screen of {found[0]}×{found[1]} pixels")
    return found


def _sets(payload: bytes, fixed: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, offset and size of each capability set. Raises ProtocolError.

    Each kind may occur once, and the sets must fill the announced length.
    """
    if len(payload) < fixed + 4:
        raise ProtocolError("an activation without capabilities")
    source, combined = struct.unpack_from("<HH", payload, fixed - 4)
    place = fixed + source
    if place + combined + end != len(payload) or combined < 4:
        raise ProtocolError("capabilities of another length than announced")
    (count,) = struct.unpack_from("<H", payload, place)
    place, stop, kinds = place + 4, place + combined, set()
    for _ in range(min(count, _MOST_SETS)):
        if place + 4 > stop:
            break
        kind, size = struct.unpack_from("<HH", payload, place)
        if size < 4 or place + size > stop or kind in kinds:
            raise ProtocolError("a capability set that is cut short, or there twice")
        kinds.add(kind)
        yield kind, place, size
        place += size
    if place != stop or len(kinds) != count:
        raise ProtocolError("another number of capability sets than announced")
