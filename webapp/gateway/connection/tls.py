"""TLS as a client, without sockets: takes what arrives, one record at a time.

An event loop's own TLS hands over application data only. A peer can also send records without
any, such as key updates, and each costs about as much as a picture: thousands in one read would
block the loop, charged to no connection. Here a turn ends after a few records; those without data
are limited.
"""

import ssl
import struct
from typing import cast

from webapp.gateway.connection.wire import Octets, Overuse, ProtocolError

LARGEST_DATA = 1 << 14
"""Bytes of application data in one record (RFC 8446 5.1)."""
_HEADER, _LENGTH_AT, _LENGTH = 5, 3, struct.Struct(">H")
_LARGEST_RECORD = LARGEST_DATA + 2048
"""Of TLS 1.2; in TLS 1.3 it is smaller."""
_MOST_EMPTY, _EMPTY_A_SECOND = 100, 1
"""Records without data that a peer may send: at once, and in addition per second. OpenSSL sends
two session tickets at the beginning, and a key update only when asked to."""
_MOST_OF_HAND_SHAKE = 100
_PIECE = 1 << 16
"""Bytes encrypted at a time: the buffer for the result keeps its largest size."""


class Tls:
    """One connection to a server. `now` is from a monotonic clock."""

    def __init__(self, context: ssl.SSLContext, now: float) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._connection = context.wrap_bio(self._incoming, self._outgoing)
        self._raw: Octets = b""
        self._place = 0
        self._began = now
        self._empty = 0
        self._hand_shakes = 0
        self.is_open = False
        """Whether the handshake is over."""
        self.is_closed = False
        """Whether the peer has sent a close_notify alert."""

    @property
    def certificate(self) -> bytes:
        """The peer's certificate in DER. Raises ProtocolError without one."""
        found = self._connection.getpeercert(binary_form=True)
        if not found:
            raise ProtocolError("a TLS server without a certificate")
        return found

    def put(self, data: Octets) -> None:
        """Add received bytes. Call `keep` before you reuse the buffer."""
        left = self._raw[self._place :]
        self._raw, self._place = memoryview(bytes(left) + bytes(data) if left else data), 0

    def keep(self) -> None:
        """Copy the unread bytes, so that the caller may reuse its buffer."""
        self._raw, self._place = bytes(self._raw[self._place :]), 0

    @property
    def has_record(self) -> bool:
        """Whether a whole record waits. Raises ProtocolError for one that is too large."""
        return self._record_size() > 0

    def shake_hands(self) -> None:
        """Go on with the handshake as far as possible. Raises ssl.SSLError or ProtocolError."""
        while not self.is_open:
            try:
                self._connection.do_handshake()
                self.is_open = True
            except ssl.SSLWantReadError:
                if not self._feed():
                    return
                self._hand_shakes += 1
                if self._hand_shakes > _MOST_OF_HAND_SHAKE:
                    raise ProtocolError("a TLS handshake without end") from None

    def read(self, buffer: memoryview, now: float) -> int:
        """Decrypt the next record into `buffer`; return the bytes of data in it.

        Raises Overuse for too many records without data, and ssl.SSLError.
        """
        if not self._feed():
            return 0
        try:
            # typeshed does not know that the result is a number if there is a buffer
            count = cast(int, self._connection.read(LARGEST_DATA, cast(bytearray, buffer)))
            self.is_closed = not count
            return count
        except ssl.SSLWantReadError:
            self._empty += 1
            if self._empty > _MOST_EMPTY + (now - self._began) * _EMPTY_A_SECOND:
                raise Overuse("TLS records without data") from None
            return 0

    def encrypted(self, data: bytes) -> bytes:
        """Return the records that carry `data`, after all that TLS itself has to send."""
        records = [self._outgoing.read()]
        for place in range(0, len(data), _PIECE):
            self._connection.write(memoryview(data)[place : place + _PIECE])
            records.append(self._outgoing.read())
        return b"".join(records)

    def _feed(self) -> bool:
        """Give OpenSSL the next record; return whether there was one."""
        size, start = self._record_size(), self._place
        if size:
            self._place += size
            self._incoming.write(self._raw[start : self._place])
        return size > 0

    def _record_size(self) -> int:
        """Return the size of the next record; 0 if it is incomplete."""
        left = len(self._raw) - self._place
        if left < _HEADER:
            return 0
        (length,) = _LENGTH.unpack_from(self._raw, self._place + _LENGTH_AT)
        if length > _LARGEST_RECORD:
            raise ProtocolError(f"a TLS record of {length} bytes")
        size = _HEADER + int(length)
        return size if left >= size else 0
