"""Fast-path input: finding out whether a person does something (MS-RDPBCGR 2.2.8.1.2)."""

from webapp.gateway.wire import ProtocolError, Reader

_SIZES = {0: 2, 1: 7, 2: 7, 3: 1, 4: 3, 5: 7, 6: 5}
"""Event code → bytes of the event with its header: scancode, mouse, extended mouse,
synchronise, unicode, relative mouse, timestamp (2.2.8.1.2.2.1 to .7)."""
_NOT_INPUT = frozenset({3, 6})
_ENCRYPTED = 0xC0


def has_input(pdu: bytes) -> bool:
    """Whether a fast-path input PDU has a key, mouse or text event. Raises ProtocolError."""
    reader = Reader(pdu)
    header = reader.u8()
    if header & _ENCRYPTED:
        raise ProtocolError("encrypted input inside TLS")
    if reader.u8() & 0x80:
        reader.u8()
    count = header >> 2 & 0x0F or reader.u8()
    found = False
    for _ in range(count):
        code = reader.u8() >> 5
        if code not in _SIZES:
            raise ProtocolError(f"input events of the kind {code} do not exist")
        reader.take(_SIZES[code] - 1)
        found = found or code not in _NOT_INPUT
    return found
