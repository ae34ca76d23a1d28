"""Share Control and Share Data PDUs, the slow path (MS-RDPBCGR 2.2.8.1.1.1)."""

import struct
from collections.abc import Sequence

from webapp.gateway.remotefx import Rectangle
from webapp.gateway.wire import Reader

_TYPE_MASK = 0x0F
_DEACTIVATE_ALL, _DATA = 6, 7
_PROTOCOL_VERSION = 0x10
_INPUT, _REFRESH, _FONT_MAP, _FRAME_ACKNOWLEDGE = 0x1C, 0x21, 0x28, 0x38
"""pduType2 of the PDUs that the gateway knows."""
_SHARE_DATA_HEADER = 18
_TYPE2 = 14
_SHARE_ID = 0x000103EA
"""The id that xrdp gives to its only share."""
_EMPTY_HEADER = 6

_INPUT_EVENT = 12
_SYNC_EVENT = 0


def complete_deactivate_all(payload: bytes) -> bytes | None:
    """xrdp's Deactivate All, which is only a header, with the fields that IronRDP insists on.

    None for every other PDU. TS_DEACTIVATE_ALL_PDU, 2.2.3.1.
    """
    if len(payload) != _EMPTY_HEADER or payload[2] & _TYPE_MASK != _DEACTIVATE_ALL:
        return None
    (source,) = struct.unpack_from("<H", payload, 4)
    kind = _PROTOCOL_VERSION | _DEACTIVATE_ALL
    return struct.pack("<HHHIHB", 13, kind, source, _SHARE_ID, 1, 0)


def has_input(payload: bytes) -> bool:
    """Whether this is a slow-path input PDU with more than synchronisation (2.2.8.1.1.3)."""
    if not _is_data(payload, _INPUT):
        return False
    reader = Reader(payload, _SHARE_DATA_HEADER)
    count = reader.u16()
    reader.u16()
    for _ in range(count):
        event = reader.take(_INPUT_EVENT)
        if struct.unpack_from("<H", event, 4)[0] != _SYNC_EVENT:
            return True
    return False


def is_font_map(payload: bytes) -> bool:
    """Whether this is the server's last PDU of an activation (2.2.1.22)."""
    return _is_data(payload, _FONT_MAP)


def acknowledged_frame(payload: bytes) -> int | None:
    """The frame that a TS_FRAME_ACKNOWLEDGE_PDU names (MS-RDPRFX 2.2.3.1); None for other PDUs."""
    if not _is_data(payload, _FRAME_ACKNOWLEDGE):
        return None
    return Reader(payload, _SHARE_DATA_HEADER).u32()


def refresh_areas(source: int, areas: Sequence[Rectangle]) -> bytes:
    """A Refresh Rect PDU (2.2.11.2) for at most 255 areas; `source` is the client's channel."""
    body = struct.pack("<B3x", len(areas))
    for one in areas:
        last = (one.x + one.width - 1, one.y + one.height - 1)
        body += struct.pack("<4H", one.x, one.y, *last)
    return _client_data(source, _REFRESH, body)


def acknowledge_frame(source: int, frame: int) -> bytes:
    """A TS_FRAME_ACKNOWLEDGE_PDU (MS-RDPRFX 2.2.3.1) of our own."""
    return _client_data(source, _FRAME_ACKNOWLEDGE, struct.pack("<I", frame))


def _client_data(source: int, kind: int, body: bytes) -> bytes:
    size = _SHARE_DATA_HEADER + len(body)
    control = struct.pack("<HHH", size, _PROTOCOL_VERSION | _DATA, source)
    return control + struct.pack("<IBBHBBH", _SHARE_ID, 0, 1, size, kind, 0, 0) + body


def _is_data(payload: bytes, kind: int) -> bool:
    return (
        len(payload) >= _SHARE_DATA_HEADER
        and payload[2] & _TYPE_MASK == _DATA
        and payload[_TYPE2] == kind
    )
