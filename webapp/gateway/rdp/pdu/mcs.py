"""T.125 (MCS): the layer that carries RDP's channels (MS-RDPBCGR 2.2.1.3 to 2.2.1.9, 3.2.5.3)."""

import struct
from dataclasses import dataclass

from webapp.gateway.connection.wire import ProtocolError, Reader, per_length
from webapp.gateway.rdp.pdu.x224 import DATA_HEADER, TPKT_HEADER, tpkt

CONNECT_INITIAL, CONNECT_RESPONSE = b"\x7f\x65", b"\x7f\x66"
CONNECT = 0x7F
"""The first byte of both connect PDUs."""
SEND_DATA_REQUEST, SEND_DATA_INDICATION = 0x64, 0x68
"""The first byte of a domain PDU: its choice (25, 26) and two bits of padding."""
ERECT_DOMAIN, ATTACH_REQUEST = 0x04, 0x28
ATTACH_CONFIRM = 0x2E
JOIN_REQUEST, JOIN_CONFIRM = 0x38, 0x3E
"""The first byte of a confirm also marks its optional field as present (T.125 7)."""
DISCONNECT, CHOICE = 0x20, 0xFC
"""A Disconnect Provider Ultimatum (choice 8), and the mask of the choice bits."""

FIRST_USER = 1001
"""Subtracted from user channel ids on the wire."""

_BODY = TPKT_HEADER + len(DATA_HEADER)
_ERECT = bytes.fromhex("0401000100")
_MOST_REASON = 4
_PRIORITY_WHOLE = 0x70
"""dataPriority high; segmentation: begin and end. RDP never splits data here."""
_OCTETS, _INTEGER, _BOOLEAN, _SEQUENCE, _ENUMERATED = b"\x04", b"\x02", b"\x01", b"\x30", b"\x0a"


@dataclass(frozen=True)
class ChannelData:
    """A Send Data Request (from the browser) or Indication (from the desktop)."""

    kind: int
    initiator: int
    """User channel id minus FIRST_USER, as on the wire."""
    channel: int
    payload: bytes


NO_DATA = ChannelData(0, 0, 0, b"")
"""Stands for the channel data of a PDU that carries none."""


def kind_of(pdu: bytes) -> int:
    """Return the first byte of the domain PDU in a TPKT packet. Raises ProtocolError."""
    if len(pdu) <= _BODY or pdu[TPKT_HEADER:_BODY] != DATA_HEADER:
        raise ProtocolError("a TPKT packet that is no whole X.224 Data TPDU")
    return pdu[_BODY]


def parse_data(pdu: bytes) -> ChannelData:
    """Parse a Send Data PDU. Raises ProtocolError unless each bit is as `data_pdu` writes it.

    So nothing passes that two parsers could read in different ways.
    """
    reader = Reader(pdu, _BODY)
    kind, initiator, channel = reader.u8(), reader.u16_be(), reader.u16_be()
    if kind not in (SEND_DATA_REQUEST, SEND_DATA_INDICATION):
        raise ProtocolError(f"an MCS PDU of the unknown kind {kind:#04x}")
    if reader.u8() != _PRIORITY_WHOLE:
        raise ProtocolError("MCS data in segments")
    payload = reader.take(reader.per_length())
    if reader.left:
        raise ProtocolError("bytes after the MCS data")
    return ChannelData(kind, initiator, channel, payload)


def check_erect(pdu: bytes) -> None:
    """Check an Erect Domain Request, which all clients send alike."""
    if pdu[_BODY:] != _ERECT:
        raise ProtocolError("an unusual MCS Erect Domain Request")


def check_attach(pdu: bytes) -> None:
    """Check an Attach User Request."""
    if len(pdu) != _BODY + 1:
        raise ProtocolError("bytes after the MCS Attach User Request")


def attached_user(pdu: bytes) -> int:
    """Return the initiator that an Attach User Confirm assigns to the browser."""
    (user,) = _fields(pdu, ">xH", "Attach User Confirm")
    if pdu[_BODY + 1]:
        raise ProtocolError("the desktop refuses the MCS user")
    return user


def join_request(pdu: bytes) -> tuple[int, int]:
    """Return initiator and channel of a Channel Join Request."""
    user, channel = _fields(pdu, ">HH", "Channel Join Request")
    return user, channel


def join_confirm(pdu: bytes) -> tuple[int, int]:
    """Return initiator and channel of a Channel Join Confirm that grants the request."""
    user, asked, channel = _fields(pdu, ">xHHH", "Channel Join Confirm")
    if pdu[_BODY + 1] or asked != channel:
        raise ProtocolError("the desktop refuses an MCS channel")
    return user, channel


def check_disconnect(pdu: bytes) -> None:
    """Check a Disconnect Provider Ultimatum: 6 bits choice, 3 bits reason, 7 bits padding."""
    (last,) = _fields(pdu, "B", "Disconnect Provider Ultimatum")
    reason = (pdu[_BODY] & ~CHOICE) << 1 | last >> 7
    if last & 0x7F or reason > _MOST_REASON:
        raise ProtocolError("an unusual MCS Disconnect Provider Ultimatum")


def _fields(pdu: bytes, layout: str, what: str) -> tuple[int, ...]:
    """Unpack the fields after a domain PDU's first byte; nothing may follow them."""
    if len(pdu) != _BODY + 1 + struct.calcsize(layout):
        raise ProtocolError(f"an MCS {what} of another length")
    return struct.unpack_from(layout, pdu, _BODY + 1)


def data_pdu(kind: int, initiator: int, channel: int, payload: bytes) -> bytes:
    """Return the TPKT packet with `payload` for a channel."""
    header = struct.pack(">BHHB", kind, initiator, channel, _PRIORITY_WHOLE)
    return tpkt(DATA_HEADER + header + per_length(len(payload)) + payload)


def with_payload(data: ChannelData, payload: bytes) -> bytes:
    """Return the packet of `data` with another payload."""
    return data_pdu(data.kind, data.initiator, data.channel, payload)


def connect_initial_data(pdu: bytes) -> int:
    """Return the offset of userData (the GCC request) in an MCS Connect Initial packet."""
    body = _connect(pdu, CONNECT_INITIAL, "MCS Connect Initial")
    for tag in (_OCTETS, _OCTETS, _BOOLEAN, _SEQUENCE, _SEQUENCE, _SEQUENCE):
        body.ber(tag, "MCS Connect Initial")
    return _user_data(body)


def connect_response_data(pdu: bytes) -> int:
    """Return the offset of userData (the GCC response) in an MCS Connect Response packet."""
    body = _connect(pdu, CONNECT_RESPONSE, "MCS Connect Response")
    for tag in (_ENUMERATED, _INTEGER, _SEQUENCE):
        body.ber(tag, "MCS Connect Response")
    return _user_data(body)


def _connect(pdu: bytes, tag: bytes, what: str) -> Reader:
    """Return a reader of the connect PDU's body, with offsets from the start of the packet."""
    reader = Reader(pdu, TPKT_HEADER)
    reader.expect(DATA_HEADER, what)
    reader.expect(tag, what)
    if reader.ber_length() != reader.left:
        raise ProtocolError(f"the {what} is cut short")
    return reader


def _user_data(body: Reader) -> int:
    body.expect(_OCTETS, "MCS user data")
    if body.ber_length() != body.left:
        raise ProtocolError("the MCS user data is cut short")
    return body.offset
