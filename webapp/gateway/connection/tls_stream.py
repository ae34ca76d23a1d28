"""A byte stream that upgrades to TLS (`tls`), with a bound for the work of one turn."""

import asyncio
import ssl
import threading

from webapp.gateway.connection.byte_stream import ByteStream, go_on_reading
from webapp.gateway.connection.tls import LARGEST_DATA, Tls
from webapp.gateway.connection.wire import Octets, ProtocolError

_RECORDS_OF_A_TURN = 32
"""TLS records handled at once: a key update takes up to 30 µs."""


class _Scratch(threading.local):
    """A thread's buffer for decrypted data; its content is used up within the turn."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_RECORDS_OF_A_TURN * LARGEST_DATA))


_scratch = _Scratch()


class TlsStream(ByteStream):
    """One TCP connection that may upgrade to TLS, as a client."""

    def __init__(self) -> None:
        super().__init__()
        self._tls: Tls | None = None

    def write(self, data: bytes) -> None:
        super().write(self._tls.encrypted(data) if self._tls else data)

    async def start_tls(self, context: ssl.SSLContext) -> bytes:
        """Upgrade to TLS; return the peer's certificate in DER.

        Raises ProtocolError for data before TLS, which anyone can inject, IncompleteReadError and
        OSError.
        """
        if self._came:
            raise ProtocolError("bytes before TLS")
        tls = self._tls = Tls(context, asyncio.get_running_loop().time())
        while not tls.is_open:
            self._stirred.clear()
            tls.shake_hands()
            self.write(b"")
            if not tls.is_open:
                await self._stirred.wait()
            if self._is_over:
                self._raise_error()
                raise asyncio.IncompleteReadError(b"", None)
        self._take_waiting()
        return tls.certificate

    def _take_read(self, data: Octets) -> None:
        tls = self._tls
        if tls is None:
            self._take(data)
            return
        tls.put(data)
        if not tls.is_open:
            self._stirred.set()
        elif self._hold is None and not tls.has_record:
            self._take(b"")  # without a whole record it is work that is charged too
        else:
            self._take_waiting()
        tls.keep()

    def _take_waiting(self) -> None:
        """Take the data of the records that wait: of a few now, of others in a later turn."""
        tls = self._tls
        if tls is None or self._hold or self._has_enough or not tls.has_record:
            return
        now, size = asyncio.get_running_loop().time(), 0
        for _ in range(_RECORDS_OF_A_TURN):
            size += tls.read(_scratch.view[size:], now)
            if tls.is_closed or not tls.has_record:
                break
        self._take(_scratch.view[:size])
        if tls.is_closed:
            self._end(None)
        elif tls.has_record and self._hold is None:
            self.hold(0.0, go_on_reading)
