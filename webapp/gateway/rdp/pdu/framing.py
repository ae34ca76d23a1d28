"""Splits a byte stream into RDP's PDUs: TPKT packets and fast-path PDUs, by their first byte.

MS-RDPBCGR 2.2 (TPKT), 2.2.8.1.2 (fast-path input) and 2.2.9.1.2 (fast-path output).
"""

from collections.abc import Iterator

from webapp.gateway.connection.wire import Octets, ProtocolError
from webapp.gateway.rdp.pdu.x224 import TPKT_HEADER, TPKT_VERSION

_SHORTEST_TPKT = 7
"""Bytes of the TPKT header and the shortest TPDU."""
_FASTPATH_ACTION = 0


def is_fastpath(pdu: Octets) -> bool:
    return pdu[0] != TPKT_VERSION


def fastpath_header(pdu: Octets) -> int:
    """Return the header size of a fast-path PDU: the action byte and the length."""
    return 3 if pdu[1] & 0x80 else 2


def pdu_length(data: Octets | bytearray, start: int = 0) -> int:
    """Return the length of the PDU that begins at `start`; 0 if its header is incomplete.

    At most 65535 (TPKT) or 32767 (fast-path). Raises ProtocolError if no PDU begins like this.
    """
    left = len(data) - start
    if left < 2:
        return 0
    first, second = data[start], data[start + 1]
    if first == TPKT_VERSION:
        if left < TPKT_HEADER:
            return 0
        length = data[start + 2] << 8 | data[start + 3]
        if length < _SHORTEST_TPKT:
            raise ProtocolError(f"a TPKT packet of {length} bytes")
        if second:
            raise ProtocolError("a TPKT packet whose reserved byte is not zero")
        return length
    if first & 3 != _FASTPATH_ACTION:
        raise ProtocolError(f"no PDU begins with {first:#04x}")
    if not second & 0x80:
        length, header = second, 2
    elif left < 3:
        return 0
    else:
        length, header = (second & 0x7F) << 8 | data[start + 2], 3
    if length <= header:
        raise ProtocolError(f"a fast-path PDU of {length} bytes")
    return length


class Splitter:
    """Returns whole PDUs, one at a time; looks at no byte twice.

    It stores at most one incomplete PDU, whose length field limits its size, and the bytes given to
    `put` until all their PDUs are taken.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: Octets = b""
        self._place = 0
        self._is_own = True

    @property
    def is_waiting(self) -> bool:
        """Whether there are bytes that `next` has not read."""
        return self._place < len(self._data)

    def put(self, data: Octets) -> None:
        """Add received bytes. Take all PDUs or call `keep` before you reuse the buffer."""
        if self.is_waiting:
            self._data, self._place = memoryview(bytes(self._left()) + bytes(data)), 0
            self._is_own = True
        else:
            self._data, self._place = memoryview(data), 0
            self._is_own = isinstance(data, bytes)

    def keep(self) -> None:
        """Copy the unread bytes, so that the caller may reuse its buffer."""
        if not self._is_own:
            self._data, self._place, self._is_own = memoryview(bytes(self._left())), 0, True

    def next(self) -> Octets | None:
        """Return the next whole PDU; None if there is none yet. Raises ProtocolError."""
        if self._rest:
            return self._finish()
        start, length = self._place, pdu_length(self._data, self._place)
        if length and start + length <= len(self._data):
            self._place = start + length
            return self._data[start : self._place]
        self._rest += self._left()
        self._data, self._place = b"", 0
        return None

    def feed(self, data: Octets) -> Iterator[bytes]:
        """Add received bytes and yield all whole PDUs. Raises ProtocolError."""
        self.put(data)
        while (pdu := self.next()) is not None:
            yield bytes(pdu)

    def _left(self) -> Octets:
        return self._data[self._place :]

    def _finish(self) -> Octets | None:
        """Return the incomplete PDU if the rest of it has arrived."""
        while not (length := pdu_length(self._rest)):
            if not self.is_waiting:
                return None
            self._rest += self._take(1)
        self._rest += self._take(length - len(self._rest))
        if len(self._rest) < length:
            return None
        whole = bytes(self._rest)
        self._rest.clear()
        return whole

    def _take(self, count: int) -> Octets:
        start = self._place
        self._place = min(start + count, len(self._data))
        return self._data[start : self._place]
