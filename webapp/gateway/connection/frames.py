"""Finds where WebSocket frames begin (RFC 6455 5.2), to limit the number of frames a turn.

A frame can be as short as six bytes and costs as much as a long one. Without this limit the
library would process all frames of a 256 kB read at once.
"""

from webapp.gateway.connection.wire import Octets

_LONG, _LONGER = 126, 127
_MASKED, _CONTROL = 0x80, 0x08


class Frames:
    """Tracks the frames in the bytes that a browser sends after the handshake."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        self.controls = 0
        """The number of pings, pongs and closes so far; browsers send hardly any."""

    def cut(self, data: Octets | bytearray, most: int) -> int:
        """Return the length of the longest prefix in which at most `most` frames begin."""
        place, begun = 0, 0
        while place < len(data):
            if self._left:
                step = min(self._left, len(data) - place)
                self._left -= step
                place += step
            elif begun == most:
                break
            else:
                self._head.append(data[place])
                place += 1
                begun += self._has_begun()
        return place

    def _has_begun(self) -> bool:
        """Whether the header of the current frame is complete; if so, start its payload."""
        head = self._head
        if len(head) < 2:
            return False
        length = head[1] & 0x7F
        extra = {_LONG: 2, _LONGER: 8}.get(length, 0)
        if len(head) < 2 + extra + (4 if head[1] & _MASKED else 0):
            return False
        self._left = int.from_bytes(head[2 : 2 + extra], "big") if extra else length
        self.controls += bool(head[0] & _CONTROL)
        head.clear()
        return True
