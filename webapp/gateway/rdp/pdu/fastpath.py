"""Fast-path PDUs: detects input (MS-RDPBCGR 2.2.8.1.2) and checks output updates (2.2.9.1.2)."""

from webapp.gateway.connection.wire import Octets, ProtocolError
from webapp.gateway.rdp.pdu.framing import fastpath_header
from webapp.gateway.rdp.pdu.work import Work

_SIZES = (2, 7, 7, 1, 3, 7, 5)
"""Bytes of an event with its header, by event code: scancode, mouse, extended mouse,
synchronise, unicode, relative mouse, timestamp (2.2.8.1.2.2.1 to .7)."""
_NOT_INPUT = frozenset({3, 6})
_FLAGS = 0xC0
"""Bits of the first byte that mark encryption or a checksum."""
_EVENTS_OF_A_STEP = 16

UPDATE_HEADER = 3
_UPDATE_CODES = frozenset(range(13))
_MOST_UPDATES = 32
"""Updates in one PDU; xrdp sends one."""


def has_input(pdu: Octets, work: Work) -> bool:
    """Whether an input PDU has a key, mouse or text event. Raises ProtocolError."""
    if pdu[0] & _FLAGS:
        raise ProtocolError("encrypted input inside TLS")
    place, size = fastpath_header(pdu), len(pdu)
    count = pdu[0] >> 2 & 0x0F
    if not count:
        count = pdu[place]
        place += 1
    work.spend(count // _EVENTS_OF_A_STEP)
    found = False
    for _ in range(count):
        code = pdu[place] >> 5 if place < size else 0
        if code >= len(_SIZES):
            raise ProtocolError(f"input events of the kind {code} do not exist")
        place += _SIZES[code]
        found = found or code not in _NOT_INPUT
    if place != size or not count:
        raise ProtocolError("an input PDU that does not end with its last event")
    return found


def check_updates(pdu: Octets, work: Work) -> int:
    """Return the place of the first update. Raises ProtocolError.

    An output PDU must be a sequence of whole, uncompressed updates (2.2.9.1.2). Compression is
    never negotiated, because the Client Info PDU does not offer it.
    """
    if pdu[0]:
        raise ProtocolError("a fast-path update that is encrypted, or has unknown flags")
    start, size, count = fastpath_header(pdu), len(pdu), 0
    place = start
    while place + UPDATE_HEADER <= size and count < _MOST_UPDATES:
        header = pdu[place]
        if header >> 6 or header & 0x0F not in _UPDATE_CODES:
            raise ProtocolError(f"a fast-path update with the header {header:#04x}")
        place += UPDATE_HEADER + (pdu[place + 1] | pdu[place + 2] << 8)
        count += 1
    work.spend(count)
    if place != size:
        raise ProtocolError("a fast-path PDU that does not end with its last update")
    return start
