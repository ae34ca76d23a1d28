"""The WebSocket to a browser: that of `websockets`, with a cheaper way to send.

Received data goes to the library a few frames at a time (`frames`), so that other connections
get their turns in between.
"""

import asyncio
import struct
import time
from collections.abc import Callable
from typing import cast

from websockets.asyncio.messages import Assembler
from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from webapp.gateway.connection.byte_stream import MUCH_AT_ONCE
from webapp.gateway.connection.frames import Frames
from webapp.gateway.connection.port_sniffer import PortSniffer

FRAMES_OF_A_TURN = 12
LARGEST_HEAD = 16 << 10
"""Bytes of the handshake request."""
_HEAD_END = b"\r\n\r\n"
_BEFORE_TICKET = 8 << 10
"""Bytes that a browser may send between the handshake and its admission; a request has 150."""
_BINARY = 0x82
"""FIN and the opcode of a binary message (RFC 6455 5.2)."""


class BrowserSocket(ServerConnection):
    """The server side of a browser's WebSocket connection."""

    sniffer: PortSniffer | None = None
    """The `PortSniffer` that accepted the connection."""
    on_room: Callable[[], None] | None = None
    """Called when the browser accepts data again after `is_full`."""
    on_work: Callable[[float], float] | None = None
    """Called with the processor seconds that frames took; returns the seconds to wait. Set when the
    browser is admitted."""

    # -- what comes -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages = Assembler(
            self.max_queue_high, self.max_queue_low, self._pause, self._resume
        )
        self.frames = Frames()
        self._head = bytearray()
        self._backlog = bytearray()
        self._came = 0
        self._turn: asyncio.TimerHandle | None = None
        self._is_library_full = False
        self._is_reading = True

    def data_received(self, data: bytes) -> None:
        if self.request is None:
            self._take_head(data)
            return
        self._came += len(data)
        self._backlog += data
        if self._turn is None and not self._is_library_full:
            self._take_turn()
        is_unauthenticated = self.on_work is None and self.protocol.state is State.OPEN
        if is_unauthenticated and self._came > _BEFORE_TICKET:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._turn:
            self._turn.cancel()
        if self.sniffer:
            self.sniffer.admit()
        super().connection_lost(exc)

    def _take_head(self, data: bytes) -> None:
        """Take the handshake request; abort if it is too long or data follows before the answer."""
        self._head += data
        end = self._head.find(_HEAD_END, max(0, len(self._head) - len(data) - len(_HEAD_END)))
        is_whole = end >= 0 and end + len(_HEAD_END) == len(self._head)
        if len(self._head) > LARGEST_HEAD or (end >= 0 and not is_whole):
            self.transport.abort()
            return
        super().data_received(data)

    def _take_turn(self) -> None:
        self._turn = None
        began = time.thread_time()
        count = self.frames.cut(self._backlog, FRAMES_OF_A_TURN)
        piece = bytes(memoryview(self._backlog)[:count])
        del self._backlog[:count]
        super().data_received(piece)
        rest = self.on_work(time.thread_time() - began) if self.on_work else 0.0
        is_more = bool(self._backlog) or count >= MUCH_AT_ONCE
        if rest or (is_more and not self._is_library_full):
            self._turn = self.loop.call_later(rest, self._take_turn)
        self._set_reading()

    def _pause(self) -> None:
        self._is_library_full = True
        self._set_reading()

    def _resume(self) -> None:
        self._is_library_full = False
        if self._turn is None and self._backlog:
            self._turn = self.loop.call_later(0, self._take_turn)
        self._set_reading()

    def _set_reading(self) -> None:
        """Pause reading until everything received has been passed on."""
        may_read = self._turn is None and not self._is_library_full and not self._backlog
        if may_read != self._is_reading and not self.transport.is_closing():
            self._is_reading = may_read
            transport = cast(asyncio.ReadTransport, self.transport)
            transport.resume_reading() if may_read else transport.pause_reading()

    # -- what goes ------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the write buffer must drain before more is sent."""
        return self.paused

    def put(self, message: bytes) -> None:
        """Send one binary message without waiting; do nothing if the connection is closing.

        The library's `send` copies each message twice and costs a third more in total.
        """
        if self.protocol.state is State.OPEN:
            self.transport.writelines((_header(len(message)), message))

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_room:
            self.on_room()


def _header(size: int) -> bytes:
    """Return the header of an unmasked binary frame, as servers send it."""
    if size < 126:
        return struct.pack(">BB", _BINARY, size)
    if size < 1 << 16:
        return struct.pack(">BBH", _BINARY, 126, size)
    return struct.pack(">BBQ", _BINARY, 127, size)
