"""T.125 (MCS): the layer that carries RDP's channels (MS-RDPBCGR 2.2.1.3 to 2.2.1.9, 3.2.5.3)."""

import struct
from dataclasses import dataclass

from webapp.gateway.wire import ProtocolError, Reader, per_length
from webapp.gateway.x224 import DATA_HEADER, TPKT_HEADER, tpkt

CONNECT_INITIAL, CONNECT_RESPONSE = b"\x7f\x65", b"\x7f\x66"
SEND_DATA_REQUEST, SEND_DATA_INDICATION = 0x64, 0x68
"""The first byte of a domain PDU: its choice (25, 26) and two bits of padding."""
DISCONNECT, CHOICE = 0x20, 0xFC
"""A Disconnect Provider Ultimatum (choice 8), and the bits of the choice."""

FIRST_USER = 1001
"""User channel ids go over the wire less this."""

_BODY = TPKT_HEADER + len(DATA_HEADER)
_PRIORITY_WHOLE = 0x70
"""dataPriority high; segmentation: begin and end. RDP never splits data here."""
_OCTETS, _INTEGER, _BOOLEAN, _SEQUENCE, _ENUMERATED = b"\x04", b"\x02", b"\x01", b"\x30", b"\x0a"


@dataclass(frozen=True)
class ChannelData:
    """A Send Data Request (from the browser) or Indication (from the desktop)."""

    kind: int
    initiator: int
    """User channel id less FIRST_USER, as on the wire."""
    channel: int
    payload: bytes


def kind_of(pdu: bytes) -> int:
    """The first byte of the domain PDU in a TPKT packet; 0 for other TPDUs."""
    return pdu[_BODY] if len(pdu) > _BODY and pdu[TPKT_HEADER:_BODY] == DATA_HEADER else 0


def parse_data(pdu: bytes) -> ChannelData:
    """The data in a Send Data PDU; the caller has looked at `kind_of`."""
    reader = Reader(pdu, _BODY)
    kind, initiator, channel = reader.u8(), reader.u16_be(), reader.u16_be()
    if reader.u8() & 0x30 != _PRIORITY_WHOLE & 0x30:
        raise ProtocolError("MCS data in segments")
    payload = reader.take(reader.per_length())
    if reader.left:
        raise ProtocolError("bytes after the MCS data")
    return ChannelData(kind, initiator, channel, payload)


def data_pdu(kind: int, initiator: int, channel: int, payload: bytes) -> bytes:
    """The TPKT packet with `payload` for a channel."""
    header = struct.pack(">BHHB", kind, initiator, channel, _PRIORITY_WHOLE)
    return tpkt(DATA_HEADER + header + per_length(len(payload)) + payload)


def with_payload(data: ChannelData, payload: bytes) -> bytes:
    """The packet of `data` with another payload."""
    return data_pdu(data.kind, data.initiator, data.channel, payload)


def connect_initial_data(pdu: bytes) -> int:
    """Where the userData (the GCC request) of an MCS Connect Initial begins in the packet."""
    body = _connect(pdu, CONNECT_INITIAL, "MCS Connect Initial")
    for tag in (_OCTETS, _OCTETS, _BOOLEAN, _SEQUENCE, _SEQUENCE, _SEQUENCE):
        body.ber(tag, "MCS Connect Initial")
    return _user_data(body)


def connect_response_data(pdu: bytes) -> int:
    """Where the userData (the GCC response) of an MCS Connect Response begins in the packet."""
    body = _connect(pdu, CONNECT_RESPONSE, "MCS Connect Response")
    for tag in (_ENUMERATED, _INTEGER, _SEQUENCE):
        body.ber(tag, "MCS Connect Response")
    return _user_data(body)


def _connect(pdu: bytes, tag: bytes, what: str) -> Reader:
    """A reader inside the connect PDU whose offsets are those of the whole packet."""
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
