"""The WebSocket towards a browser: that of `websockets`, with a cheaper way to send much."""

import struct
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

_BINARY = 0x82
"""FIN and the opcode of a binary message (RFC 6455 5.2)."""


class BrowserSocket(ServerConnection):
    """What the gateway holds of a browser."""

    on_room: Callable[[], None] | None = None
    """Called when the browser takes more again, after it had been `is_full`."""

    @property
    def is_full(self) -> bool:
        """Whether the browser has to take something before it is sent more."""
        return self.paused

    def put(self, message: bytes) -> None:
        """Send one binary message at once; a browser that is leaving gets nothing any more.

        The library's `send` copies a message twice on its way and costs a third more in all.
        """
        if self.protocol.state is State.OPEN:
            self.transport.writelines((_header(len(message)), message))

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_room:
            self.on_room()


def _header(size: int) -> bytes:
    """The header of an unmasked frame, as servers send them."""
    if size < 126:
        return struct.pack(">BB", _BINARY, size)
    if size < 1 << 16:
        return struct.pack(">BBH", _BINARY, 126, size)
    return struct.pack(">BBQ", _BINARY, 127, size)
