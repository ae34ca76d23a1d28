"""X.224 connection set-up with RDP negotiation (MS-RDPBCGR 2.2.1.1 and 2.2.1.2)."""

import struct

from webapp.gateway.connection.wire import ProtocolError, Reader

TPKT_VERSION = 3
TPKT_HEADER = 4
LONGEST_CONFIRM = 256
"""A Connection Confirm has 19 bytes."""

_CONNECTION_REQUEST, _CONNECTION_CONFIRM = 0xE0, 0xD0
_RDP_NEG_REQ, _RDP_NEG_RSP, _RDP_NEG_FAILURE = 1, 2, 3
_NEGOTIATION = 8
_PROTOCOL_SSL = 1

DATA_HEADER = b"\x02\xf0\x80"
"""Header of an X.224 Data TPDU (class 0), which precedes every PDU after the set-up."""


def tpkt(payload: bytes) -> bytes:
    """Return the TPKT packet around `payload` (RFC 1006, MS-RDPBCGR 2.2 "TPKT Header")."""
    return struct.pack(">BBH", TPKT_VERSION, 0, TPKT_HEADER + len(payload)) + payload


def connection_request() -> bytes:
    """Return the gateway's own request for TLS; no browser data reaches the desktop unencrypted."""
    negotiation = struct.pack("<BBHI", _RDP_NEG_REQ, 0, 8, _PROTOCOL_SSL)
    return tpkt(
        struct.pack(">BBHHB", 6 + len(negotiation), _CONNECTION_REQUEST, 0, 0, 0) + negotiation
    )


def check_request(data: bytes) -> None:
    """Raise ProtocolError unless `data` is a whole Connection Request that accepts TLS."""
    reader = _open(data, _CONNECTION_REQUEST, "X.224 Connection Request")
    rest = reader.rest()
    if len(rest) < 8 or rest[-8] != _RDP_NEG_REQ:
        raise ProtocolError("the Connection Request does not negotiate")
    if not struct.unpack("<I", rest[-4:])[0] & _PROTOCOL_SSL:
        raise ProtocolError("the browser does not take TLS")


def check_confirm(data: bytes) -> None:
    """Raise ProtocolError unless the desktop confirmed TLS."""
    reader = _open(data, _CONNECTION_CONFIRM, "X.224 Connection Confirm")
    if not reader.left:
        raise ProtocolError("the desktop does not negotiate TLS")
    kind = reader.u8()
    reader.u8()
    size, value = reader.u16(), reader.u32()
    if kind == _RDP_NEG_FAILURE:
        raise ProtocolError(f"the desktop refuses TLS (failure code {value})")
    if size != _NEGOTIATION or reader.left:
        raise ProtocolError("an unusual Connection Confirm")
    if kind != _RDP_NEG_RSP or value != _PROTOCOL_SSL:
        raise ProtocolError("the desktop chose something else than TLS")


def confirm_length(header: bytes) -> int:
    """Return the length of the packet with this four-byte header. Raises ProtocolError."""
    reader = Reader(header)
    reader.expect(bytes([TPKT_VERSION, 0]), "TPKT packet")
    length = reader.u16_be()
    if not TPKT_HEADER < length <= LONGEST_CONFIRM:
        raise ProtocolError("a Connection Confirm is never that long")
    return length


def _open(data: bytes, kind: int, what: str) -> Reader:
    """Return the variable part of a connection TPDU: after length, kind, references and class."""
    reader = Reader(data)
    reader.expect(bytes([TPKT_VERSION, 0]), what)
    if reader.u16_be() != len(data):
        raise ProtocolError(f"the {what} is cut short")
    if reader.u8() != reader.left or reader.u8() != kind:
        raise ProtocolError(f"this is no {what}")
    reader.take(5)
    return reader
