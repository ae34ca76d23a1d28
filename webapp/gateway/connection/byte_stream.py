"""A byte stream to a desktop, with back-pressure in both directions.

Received data is handed over in the read callback, without waking a task and without a copy. This
process does little but move bytes, so a wake-up and a copy would be a good part of its time.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import cast

from webapp.gateway.connection.wire import Octets

_ENOUGH = 1 << 16
"""Unread bytes at which reading from the desktop pauses."""
_MOST_AT_ONCE = 1 << 18
MUCH_AT_ONCE = 1 << 16
"""Bytes after which other connections get a turn: as long as a socket has data, libuv reads from
it up to 32 times, up to 256 kB each time, before it looks at any other socket.
"""
_GATHER_FROM, _GATHER_TO = 8 << 10, 64 << 10
_GATHER_SECONDS = 0.004
"""xrdp sends a picture in TLS records of 16 kB, 0.2 ms apart, up to 30 pictures a second. After
the first such record the gateway waits for the others and handles them together, which halves the
number of wake-ups. Interactive output, such as the echo of a key, is smaller than _GATHER_FROM and
never waits; a read of _GATHER_TO or more already holds several records.
"""


class _Scratch(threading.local):
    """A thread's read buffer; its content is used up before the next read."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_MOST_AT_ONCE))


_scratch = _Scratch()


def go_on_reading() -> None:
    """Do nothing: all earlier data was handed over, so reading simply resumes."""


class ByteStream(asyncio.BufferedProtocol):
    """One TCP connection. Only one task may read at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._is_gathering = False
        self._came = b""
        self._taker: Callable[[Octets], None] | None = None
        self._is_over = False
        self._error: Exception | None = None
        self._is_paused = False
        self._is_full = False
        self._hold: asyncio.TimerHandle | None = None
        self.cpu_began = 0.0
        """This thread's processor time when it began to read the data handed over now."""
        self._stirred = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    async def read_exactly(self, count: int) -> bytes:
        """Return exactly `count` bytes. Raises IncompleteReadError at an early end, or OSError."""
        while len(self._came) < count:
            if self._is_over:
                self._raise_error()
                raise asyncio.IncompleteReadError(self._came, count)
            self._stirred.clear()
            await self._stirred.wait()
        data, self._came = self._came[:count], self._came[count:]
        return data

    async def pour(self, taker: Callable[[Octets], None]) -> None:
        """Pass received data to `taker` immediately until the stream ends.

        The buffer that `taker` gets is reused after the call. Raises what `taker` raises, and
        OSError when the connection breaks.
        """
        came, self._came, self._taker = self._came, b"", taker
        self._set_reading()
        if came:
            self._hand_over(came)
        self._guard(self._take_waiting)
        try:
            while not self._is_over:
                self._stirred.clear()
                await self._stirred.wait()
        finally:
            self._taker = None
            self._end_hold()
        self._raise_error()

    def pause(self) -> None:
        """Stop reading from the desktop until `resume`."""
        self._is_full = True
        self._set_reading()

    def resume(self) -> None:
        self._is_full = False
        self._set_reading()

    def hold(self, seconds: float, go_on: Callable[[], None]) -> None:
        """Stop reading for `seconds`, then call `go_on`; `pour` raises what it raises."""
        self._end_hold()
        self._hold = asyncio.get_running_loop().call_later(seconds, self._release, go_on)
        self._set_reading()

    def write(self, data: bytes) -> None:
        if self.transport and not self._is_over:
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the write buffer is below its limit."""
        await self._writable.wait()

    @property
    def unsent(self) -> int:
        """Bytes in the write buffer."""
        return self.transport.get_write_buffer_size() if self.transport else 0

    def abort(self) -> None:
        if self.transport:
            self.transport.abort()

    # -- called by the transport ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have all of asyncio.Transport but are not of that class
        self.transport = cast(asyncio.Transport, transport)
        self._socket = transport.get_extra_info("socket")

    def get_buffer(self, wanted: int) -> memoryview:
        self.cpu_began = time.thread_time()
        return _scratch.view

    def buffer_updated(self, count: int) -> None:
        self._guard(partial(self._take_read, _scratch.view[:count]))
        if self._taker:
            if count >= MUCH_AT_ONCE and self._hold is None:
                self.hold(0.0, go_on_reading)
            if _GATHER_FROM <= count < _GATHER_TO and not self._is_gathering:
                self._gather()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error)
        self._writable.set()

    def eof_received(self) -> bool:
        self._end(None)
        return False

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # -- inside ---------------------------------------------------------------------------------

    def _take_read(self, data: Octets) -> None:
        """Take what one read brought; a subclass decrypts it."""
        self._take(data)

    def _take_waiting(self) -> None:
        """Take what earlier reads brought; a subclass may have some."""

    def _take(self, data: Octets) -> None:
        """Hand data over, or keep it for `read_exactly`. No data is work that is charged too."""
        if self._taker:
            self._hand_over(data)
            return
        self._came += data
        self._stirred.set()
        self._set_reading()

    @property
    def _has_enough(self) -> bool:
        return self._taker is None and len(self._came) >= _ENOUGH

    def _hand_over(self, data: Octets) -> None:
        if self._taker and not self._is_over:
            self._guard(partial(self._taker, data))

    def _guard(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 (stored; `pour` raises it)
            self._end(error)

    def _release(self, go_on: Callable[[], None]) -> None:
        self._hold = None
        if not self._is_over:
            self.cpu_began = time.thread_time()
            self._guard(go_on)
            self._guard(self._take_waiting)
        self._set_reading()

    def _end_hold(self) -> None:
        if self._hold:
            self._hold.cancel()
            self._hold = None

    def _set_reading(self) -> None:
        is_paused = self._is_full or self._hold is not None or self._has_enough
        if is_paused != self._is_paused and self.transport and not self._is_over:
            self._is_paused = is_paused
            self.transport.pause_reading() if is_paused else self.transport.resume_reading()

    def _gather(self) -> None:
        self._is_gathering = True
        self._wake_at(_MOST_AT_ONCE)
        asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._listen_again)

    def _listen_again(self) -> None:
        self._is_gathering = False
        self._wake_at(1)

    def _wake_at(self, count: int) -> None:
        """Let the kernel report the socket as readable only from `count` bytes on.

        Pausing the transport instead would cost one more wake-up, to stop reading.
        """
        if self._socket and not self._is_over:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def _end(self, error: Exception | None) -> None:
        """Mark the stream as ended; only the first error is kept."""
        if not self._is_over:
            self._is_over, self._error = True, error
        self._stirred.set()

    def _raise_error(self) -> None:
        if self._error:
            raise self._error
