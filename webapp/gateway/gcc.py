"""What both sides tell in T.124 (GCC) Conference Create (MS-RDPBCGR 2.2.1.3, 2.2.1.4)."""

import struct
from collections.abc import Iterator

from webapp.gateway import mcs
from webapp.gateway.wire import ProtocolError, Reader

CS_CORE, CS_NET = 0xC001, 0xC003
SC_NET = 0x0C03
_BLOCK_HEADER = 4
_MOST_CHANNELS = 31

_CREATE_REQUEST = b"\x00\x05\x00\x14\x7c\x00\x01"
_REQUEST_KEY = b"\x00\x08\x00\x10\x00\x01\xc0\x00Duca"
_CREATE_RESPONSE = b"\x00\x05\x00\x14\x7c\x00\x01"
_RESPONSE_KEY = b"\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn"

# Offsets in TS_UD_CS_CORE (2.2.1.3.2), from the beginning of the block with its header.
_KEYBOARD_LAYOUT = 16
_CLIENT_BUILD = 20
_HIGH_COLOR_DEPTH = 140
_CONNECTION_TYPE = 210
_CORE_NEEDED = 211

_BUILD = 18363
"""xrdp resizes without telling clients whose build is 419 or less; IronRDP says 0."""
_DEPTH_24, _SUPPORTS_ALL_DEPTHS = 24, 0x000F
_WANT_32BPP_SESSION = 0x0002
"""earlyCapabilityFlags RNS_UD_CS_WANT_32BPP_SESSION."""
_LAN = 6
"""CONNECTION_TYPE_LAN: xrdp encodes pictures for this type alone."""


def rewrite_core_data(pdu: bytes, keyboard_layout: int) -> bytes:
    """The MCS Connect Initial asking for a 32 bpp session that xrdp encodes and resizes rightly.

    IronRDP asks for 16 bpp, and the bitmaps that xrdp then sends make it panic. `keyboard_layout`
    is the Windows language id of the layout (0: as the browser asks).
    """
    out = bytearray(pdu)
    for kind, start, size in _blocks(
        pdu, mcs.connect_initial_data(pdu), _CREATE_REQUEST, _REQUEST_KEY
    ):
        if kind != CS_CORE:
            continue
        if size < _CORE_NEEDED:
            raise ProtocolError("the client core data lacks the optional fields")
        if keyboard_layout:
            struct.pack_into("<I", out, start + _KEYBOARD_LAYOUT, keyboard_layout)
        struct.pack_into("<I", out, start + _CLIENT_BUILD, _BUILD)
        _, depths, early = struct.unpack_from("<HHH", out, start + _HIGH_COLOR_DEPTH)
        wanted = (_DEPTH_24, depths | _SUPPORTS_ALL_DEPTHS, early | _WANT_32BPP_SESSION)
        struct.pack_into("<HHH", out, start + _HIGH_COLOR_DEPTH, *wanted)
        out[start + _CONNECTION_TYPE] = _LAN
        return bytes(out)
    raise ProtocolError("the Connect Initial has no client core data")


def channel_names(pdu: bytes) -> list[str]:
    """The static channels that the browser's Connect Initial asks for, in order (2.2.1.3.4)."""
    for kind, start, size in _blocks(
        pdu, mcs.connect_initial_data(pdu), _CREATE_REQUEST, _REQUEST_KEY
    ):
        if kind == CS_NET:
            reader = Reader(pdu[: start + size], start + _BLOCK_HEADER)
            count = reader.u32()
            if count > _MOST_CHANNELS:
                raise ProtocolError(f"{count} static channels")
            return [_channel_name(reader) for _ in range(count)]
    return []


def channel_ids(pdu: bytes) -> list[int]:
    """The ids that the desktop's Connect Response gives to those channels (2.2.1.4.4)."""
    place = mcs.connect_response_data(pdu)
    for kind, start, size in _blocks(pdu, place, _CREATE_RESPONSE, _RESPONSE_KEY):
        if kind == SC_NET:
            reader = Reader(pdu[: start + size], start + _BLOCK_HEADER)
            reader.u16()
            count = reader.u16()
            if count > _MOST_CHANNELS:
                raise ProtocolError(f"{count} static channels")
            return [reader.u16() for _ in range(count)]
    return []


def _channel_name(reader: Reader) -> str:
    """CHANNEL_DEF: eight bytes of name, NUL-terminated, and options."""
    name = reader.take(8).partition(b"\0")[0]
    reader.u32()
    return name.decode("ascii", "replace").lower()


def _blocks(pdu: bytes, place: int, head: bytes, key: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, place in the packet and size of the settings blocks."""
    reader = Reader(pdu, place)
    reader.expect(head, "GCC Conference Create")
    reader.per_length()
    reader.expect(key, "GCC Conference Create")
    if reader.per_length() != reader.left:
        raise ProtocolError("the GCC user data is cut short")
    while reader.left:
        start = reader.offset
        kind, size = reader.u16(), reader.u16()
        if size < _BLOCK_HEADER:
            raise ProtocolError("a GCC block shorter than its header")
        reader.take(size - _BLOCK_HEADER)
        yield kind, start, size
