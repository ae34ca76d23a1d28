"""What a client says it can do, in its Confirm Active PDU (MS-RDPBCGR 2.2.1.13.2)."""

import struct

from webapp.gateway.wire import ProtocolError

_CONFIRM_ACTIVE = 3
_FIXED = 16
"""Share control header, share id, originator, lengths of source descriptor and capabilities."""
_FRAME_ACKNOWLEDGE = 0x1E
"""CAPSETTYPE_FRAME_ACKNOWLEDGE (MS-RDPRFX 2.2.1.3): frames sent ahead of their acknowledgement."""
FRAMES_AHEAD = 4
"""IronRDP says 20: on a slow line the screen would lag behind by as many."""

RUNAWAY_FRAMES = FRAMES_AHEAD + 1
"""So many frames ahead come only from a desktop that does not wait any more."""


def limit_frames(payload: bytes) -> bytes:
    """A Confirm Active PDU with at most FRAMES_AHEAD; every other payload as it is."""
    if len(payload) < _FIXED or payload[2] & 0x0F != _CONFIRM_ACTIVE:
        return payload
    place = _FIXED + struct.unpack_from("<H", payload, 12)[0] + 4
    while place + 4 <= len(payload):
        kind, size = struct.unpack_from("<HH", payload, place)
        if size < 4 or place + size > len(payload):
            raise ProtocolError("a capability set that is cut short")
        if kind == _FRAME_ACKNOWLEDGE and size == 8:
            (ahead,) = struct.unpack_from("<I", payload, place + 4)
            limited = struct.pack("<I", min(ahead, FRAMES_AHEAD))
            return payload[: place + 4] + limited + payload[place + 8 :]
        place += size
    return payload
