"""A byte stream to a desktop, with back-pressure both ways.

asyncio's own StreamReader copies every byte twice more on its way; for a process that does little
else but carry bytes, that is a third of its time.
"""

import asyncio
import ssl
from collections import deque
from typing import cast

_ENOUGH = 1 << 18
"""Bytes that wait to be read before the desktop is not listened to any more."""


class ByteStream(asyncio.Protocol):
    """One TCP connection, which may turn to TLS. Reads are made by one task at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._is_over = False
        self._error: Exception | None = None
        self._is_paused = False
        self._came = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    async def read(self) -> bytes:
        """What has come, at least a byte; empty at the end. Raises OSError when it broke."""
        while not self._pieces:
            if self._is_over:
                if self._error:
                    raise ConnectionError(str(self._error)) from self._error
                return b""
            self._came.clear()
            await self._came.wait()
        data = self._pieces.popleft() if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._is_paused and self.transport:
            self._is_paused = False
            self.transport.resume_reading()
        return data

    async def read_exactly(self, count: int) -> bytes:
        """So many bytes. Raises IncompleteReadError when the stream ends before."""
        data = b""
        while len(data) < count:
            more = await self.read()
            if not more:
                raise asyncio.IncompleteReadError(data, count)
            data += more
        if len(data) > count:
            self._pieces.appendleft(data[count:])
            self._size += len(data) - count
        return data[:count]

    def write(self, data: bytes) -> None:
        if self.transport and not self._is_over:
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the desktop takes what was written."""
        await self._writable.wait()

    @property
    def unsent(self) -> int:
        """Bytes that the desktop has not taken."""
        return self.transport.get_write_buffer_size() if self.transport else 0

    async def start_tls(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        assert self.transport is not None  # noqa: S101 (made by create_connection)
        self.transport = await loop.start_tls(self.transport, self, context)

    def abort(self) -> None:
        if self.transport:
            self.transport.abort()

    # -- called by the transport ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have all of asyncio.Transport but are not of that class
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        self._came.set()
        if self._size >= _ENOUGH and not self._is_paused and self.transport:
            self._is_paused = True
            self.transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over = True
        self._error = error
        self._came.set()
        self._writable.set()

    def eof_received(self) -> bool:
        self._is_over = True
        self._came.set()
        return False

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
