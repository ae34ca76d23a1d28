"""Cutting a byte stream into RDP's PDUs: TPKT packets and fast-path PDUs, told by their first byte.

MS-RDPBCGR 2.2 (TPKT), 2.2.8.1.2 (fast-path input) and 2.2.9.1.2 (fast-path output).
"""

from collections.abc import Iterator

from webapp.gateway.wire import Octets, ProtocolError
from webapp.gateway.x224 import TPKT_HEADER, TPKT_VERSION

_SHORTEST_TPKT = 7
"""Its own header and the shortest TPDU."""
_FASTPATH_ACTION = 0


def is_fastpath(pdu: Octets) -> bool:
    return pdu[0] != TPKT_VERSION


def pdu_length(data: Octets, start: int = 0) -> int:
    """The length of the PDU that begins at `start`; 0 while its header is not all there.

    Raises ProtocolError when no PDU begins like this. At most 65535 (TPKT) or 32767 (fast-path).
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
    """Gives back whole PDUs; keeps at most one unfinished one, which its length field bounds."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, data: Octets) -> tuple[Octets, list[int]]:
        """All that is whole now, in one piece, and where each of its PDUs ends.

        Of a memoryview that holds whole PDUs nothing is copied. Raises ProtocolError where the
        stream makes no sense.
        """
        data = self._rest + data if self._rest else data
        size, end, ends = len(data), 0, []
        while end < size and (length := pdu_length(data, end)) and end + length <= size:
            end += length
            ends.append(end)
        self._rest = bytes(data[end:])
        return data[:end], ends

    def feed(self, data: Octets) -> Iterator[bytes]:
        """The PDUs that are whole now. Raises ProtocolError as `cut` does."""
        whole, ends = self.cut(data)
        start = 0
        for end in ends:
            yield bytes(whole[start:end])
            start = end
