"""Static virtual channels: messages cut into chunks (MS-RDPBCGR 2.2.6.1).

Only messages that every parser reads the same way pass: the chunks of a message come in sequence,
the first and the last are flagged as such, and their total length is exactly the length that each
chunk announces.
"""

import struct
from dataclasses import dataclass

from webapp.gateway.connection.wire import ProtocolError

CHUNK_HEADER = 8
FIRST, LAST, SHOW_PROTOCOL = 0x1, 0x2, 0x10
"""CHANNEL_FLAG_FIRST, _LAST and _SHOW_PROTOCOL: no other flag passes."""
_COMPRESSED = 0x00200000
LARGEST_MESSAGE = 64 << 20


@dataclass(frozen=True)
class Chunk:
    """One chunk; `total` is the length of its whole message."""

    total: int
    is_first: bool
    is_last: bool
    data: bytes


class Chunks:
    """Checks what one side sends on one channel."""

    def __init__(self) -> None:
        self._total = 0
        self._left = 0

    def take(self, payload: bytes) -> Chunk:
        """Parse the next chunk. Raises ProtocolError for an invalid or unexpected one."""
        if len(payload) <= CHUNK_HEADER:
            raise ProtocolError("channel data without its header, or without data")
        total, flags = struct.unpack_from("<II", payload)
        if flags & _COMPRESSED:
            raise ProtocolError("compressed channel data, although that was not agreed")
        if flags & ~(FIRST | LAST | SHOW_PROTOCOL):
            raise ProtocolError(f"channel data with the flags {flags:#x}")
        chunk = Chunk(total, bool(flags & FIRST), bool(flags & LAST), payload[CHUNK_HEADER:])
        self._follow(chunk)
        return chunk

    def _follow(self, chunk: Chunk) -> None:
        if chunk.is_first:
            if self._left:
                raise ProtocolError("a channel message inside another")
            if chunk.total > LARGEST_MESSAGE:
                raise ProtocolError(f"a channel message of {chunk.total} bytes")
            self._total = self._left = chunk.total
        elif not self._left:
            raise ProtocolError("a channel message without a beginning")
        self._left -= len(chunk.data)
        if chunk.total != self._total or self._left < 0 or chunk.is_last != (self._left == 0):
            raise ProtocolError("a channel message of another length than announced")


def whole_message(data: bytes) -> bytes:
    """Return a short message as a single chunk."""
    return struct.pack("<II", len(data), FIRST | LAST | SHOW_PROTOCOL) + data
