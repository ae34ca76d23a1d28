"""Share Control and Share Data PDUs, the slow path (MS-RDPBCGR 2.2.8.1.1.1)."""

import struct
from collections.abc import Sequence

from webapp.gateway.connection.wire import ProtocolError, Reader
from webapp.gateway.rdp.pdu.remotefx import Rectangle

_TYPE_MASK = 0x0F
DEMAND_ACTIVE, CONFIRM_ACTIVE, DEACTIVATE_ALL, DATA = 1, 3, 6, 7
_PROTOCOL_VERSION = 0x10
_HEADER = 6
_INPUT, _REFRESH, _FONT_MAP, _FRAME_ACKNOWLEDGE = 0x1C, 0x21, 0x28, 0x38
"""pduType2 of the PDUs that the gateway knows."""
_BROWSER_DATA = frozenset(
    {0x14, _INPUT, 0x1F, _REFRESH, 0x23, 0x24, 0x27, 0x2B, _FRAME_ACKNOWLEDGE}
)
"""pduType2 that a browser may send: control, input, synchronise, refresh, suppress output,
shutdown, font list, persistent keys, frame acknowledgements."""
_DESKTOP_DATA = frozenset(
    {0x02, 0x14, 0x1B, 0x1F, 0x22, 0x25, 0x26, 0x28, 0x29, 0x2D, 0x2F, 0x32, 0x36, 0x37}
)
"""pduType2 that a desktop may send: update, control, pointer, synchronise, sound, shutdown denied,
save session, font map, keyboard indicators and input method, error, reconnect status, status,
monitors. A redirection to another server is not allowed."""
_BROWSER_KINDS, _DESKTOP_KINDS = {CONFIRM_ACTIVE, DATA}, {DEMAND_ACTIVE, DEACTIVATE_ALL, DATA}
_COMPRESSED_TYPE = 15
_MOST_EVENTS = 512
_SHARE_DATA_HEADER = 18
_TYPE2 = 14
_SHARE_ID = 0x000103EA
"""The id of xrdp's only share."""

_INPUT_EVENT = 12
_SYNC_EVENT = 0


def check(payload: bytes, *, is_browser: bool) -> int:
    """Return the kind of a Share Control PDU. Raises ProtocolError.

    The payload must be one whole, uncompressed PDU that this side may send. Servers accept several
    PDUs in one payload, but the gateway would check only the first.
    """
    if len(payload) < _HEADER:
        raise ProtocolError("a share PDU without its header")
    size, packed = struct.unpack_from("<HH", payload)
    kind = packed & _TYPE_MASK
    kinds, data_kinds = (
        (_BROWSER_KINDS, _BROWSER_DATA) if is_browser else (_DESKTOP_KINDS, _DESKTOP_DATA)
    )
    if size != len(payload) or packed != _PROTOCOL_VERSION | kind or kind not in kinds:
        raise ProtocolError(f"a share PDU of the kind {packed:#x} with {size} bytes has no place")
    if kind == DATA:
        if size < _SHARE_DATA_HEADER or payload[_COMPRESSED_TYPE]:
            raise ProtocolError("a share data PDU that is cut short, or compressed")
        if payload[_TYPE2] not in data_kinds:
            raise ProtocolError(f"a share data PDU of the kind {payload[_TYPE2]:#x} has no place")
    return int(kind)


def complete_deactivate_all(payload: bytes) -> bytes | None:
    """Return xrdp's Deactivate All, which is only a header, with the fields that IronRDP requires.

    Returns None for every other PDU. TS_DEACTIVATE_ALL_PDU, 2.2.3.1.
    """
    if len(payload) != _HEADER or payload[2] & _TYPE_MASK != DEACTIVATE_ALL:
        return None
    (source,) = struct.unpack_from("<H", payload, 4)
    kind = _PROTOCOL_VERSION | DEACTIVATE_ALL
    return struct.pack("<HHHIHB", 13, kind, source, _SHARE_ID, 1, 0)


def has_input(payload: bytes) -> bool:
    """Whether this is a slow-path input PDU with events other than synchronise (2.2.8.1.1.3)."""
    if not _is_data(payload, _INPUT):
        return False
    reader = Reader(payload, _SHARE_DATA_HEADER)
    count = reader.u16()
    reader.u16()
    if count > _MOST_EVENTS or reader.left != count * _INPUT_EVENT:
        raise ProtocolError(f"{count} input events in {reader.left} bytes")
    events = struct.iter_unpack("<4xH6x", reader.rest())
    return any(kind != _SYNC_EVENT for (kind,) in events)


def is_font_map(payload: bytes) -> bool:
    """Whether this is the server's last PDU of an activation (2.2.1.22)."""
    return _is_data(payload, _FONT_MAP)


def acknowledged_frame(payload: bytes) -> int | None:
    """Return the frame of a TS_FRAME_ACKNOWLEDGE_PDU (MS-RDPRFX 2.2.3.1); None for other PDUs."""
    if not _is_data(payload, _FRAME_ACKNOWLEDGE):
        return None
    reader = Reader(payload, _SHARE_DATA_HEADER)
    frame = reader.u32()
    if reader.left:
        raise ProtocolError("bytes after a frame acknowledgement")
    return frame


def refresh_areas(source: int, areas: Sequence[Rectangle]) -> bytes:
    """Return a Refresh Rect PDU (2.2.11.2) for at most 255 areas.

    `source` is the client's channel.
    """
    body = struct.pack("<B3x", len(areas))
    for one in areas:
        last = (one.x + one.width - 1, one.y + one.height - 1)
        body += struct.pack("<4H", one.x, one.y, *last)
    return _client_data(source, _REFRESH, body)


def acknowledge_frame(source: int, frame: int) -> bytes:
    """Return a TS_FRAME_ACKNOWLEDGE_PDU (MS-RDPRFX 2.2.3.1) from the gateway."""
    return _client_data(source, _FRAME_ACKNOWLEDGE, struct.pack("<I", frame))


def _client_data(source: int, kind: int, body: bytes) -> bytes:
    size = _SHARE_DATA_HEADER + len(body)
    control = struct.pack("<HHH", size, _PROTOCOL_VERSION | DATA, source)
    return control + struct.pack("<IBBHBBH", _SHARE_ID, 0, 1, size, kind, 0, 0) + body


def _is_data(payload: bytes, kind: int) -> bool:
    return (
        len(payload) >= _SHARE_DATA_HEADER
        and payload[2] & _TYPE_MASK == DATA
        and payload[_TYPE2] == kind
    )
