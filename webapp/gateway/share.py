"""Share Control and Share Data PDUs, the slow path (MS-RDPBCGR 2.2.8.1.1.1)."""

import struct

from webapp.gateway.wire import Reader

_TYPE_MASK = 0x0F
_DEACTIVATE_ALL, _DATA = 6, 7
_PROTOCOL_VERSION = 0x10
_FONT_MAP, _INPUT = 0x28, 0x1C
"""pduType2 of TS_FONT_MAP_PDU and TS_INPUT_PDU."""
_SHARE_DATA_HEADER = 18
_TYPE2 = 14
_SERVER = 0x03EA
"""The server's MCS user channel, the source of its PDUs."""
_SHARE_ID = 0x000103EA
"""The id that xrdp gives to its only share."""
_EMPTY_HEADER = 6

_INPUT_EVENT = 12
_SYNC_EVENT = 0


def is_font_map(payload: bytes) -> bool:
    """Whether this is the server's last PDU of an activation (2.2.1.22)."""
    return _is_data(payload, _FONT_MAP)


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


def refresh_rectangle(source: int, left: int, top: int, right: int, bottom: int) -> bytes:
    """A Refresh Rect PDU for one inclusive rectangle (2.2.11.2); `source` the client's channel."""
    body = struct.pack("<B3xHHHH", 1, left, top, right, bottom)
    size = _SHARE_DATA_HEADER + len(body)
    control = struct.pack("<HHH", size, _PROTOCOL_VERSION | _DATA, source)
    return control + struct.pack("<IBBHBBH", _SHARE_ID, 0, 1, size, 0x21, 0, 0) + body


def _is_data(payload: bytes, kind: int) -> bool:
    return (
        len(payload) >= _SHARE_DATA_HEADER
        and payload[2] & _TYPE_MASK == _DATA
        and payload[_TYPE2] == kind
    )
