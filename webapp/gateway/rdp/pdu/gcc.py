"""The settings of both sides in T.124 (GCC) Conference Create (MS-RDPBCGR 2.2.1.3, 2.2.1.4)."""

import re
import struct
from collections.abc import Iterator

from webapp.gateway.connection.wire import ProtocolError, Reader
from webapp.gateway.rdp.pdu import mcs

CS_CORE, CS_NET = 0xC001, 0xC003
SC_NET = 0x0C03
_REQUEST_BLOCKS = {CS_CORE, 0xC002, CS_NET, 0xC004, 0xC005}
"""Core, security, network, cluster and monitor data. The message channel and multitransport are
missing because they would bypass the gateway."""
_RESPONSE_BLOCKS = {0x0C01, 0x0C02, SC_NET}
_BLOCK_HEADER = 4
_MOST_CHANNELS = 31
_MOST_BLOCKS = 16
_CHANNEL_DEF = 12
_IO_CHANNEL = 1003
_NAME = re.compile(rb"([a-z0-9]{1,7})\0+")

_CREATE_REQUEST = b"\x00\x05\x00\x14\x7c\x00\x01"
_REQUEST_KEY = b"\x00\x08\x00\x10\x00\x01\xc0\x00Duca"
_CREATE_RESPONSE = b"\x00\x05\x00\x14\x7c\x00\x01"
_RESPONSE_KEY = b"\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn"

# Offsets in TS_UD_CS_CORE (2.2.1.3.2), including the block header.
_KEYBOARD_LAYOUT = 16
_CLIENT_BUILD = 20
_HIGH_COLOR_DEPTH = 140
_CONNECTION_TYPE = 210
_CORE_NEEDED = 211

_BUILD = 18363
"""xrdp resizes without notifying clients whose build is 419 or less; IronRDP sends 0."""
_DEPTH_24, _SUPPORTS_ALL_DEPTHS = 24, 0x000F
_WANT_32BPP_SESSION = 0x0002
"""earlyCapabilityFlags RNS_UD_CS_WANT_32BPP_SESSION."""
_LAN = 6
"""CONNECTION_TYPE_LAN: xrdp encodes pictures only for this type."""


def rewrite_core_data(pdu: bytes, keyboard_layout: int) -> bytes:
    """Return the MCS Connect Initial changed to request a 32 bpp session that can be resized.

    IronRDP requests 16 bpp, and panics on the bitmaps that xrdp then sends. `keyboard_layout` is
    the Windows language id of the layout; 0 keeps the browser's. Raises ProtocolError.
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
    """Return the static channels in the browser's Connect Initial, in order (2.2.1.3.4)."""
    place = mcs.connect_initial_data(pdu)
    blocks = list(_blocks(pdu, place, _CREATE_REQUEST, _REQUEST_KEY))
    _check_kinds([kind for kind, _, _ in blocks], _REQUEST_BLOCKS)
    for kind, start, size in blocks:
        if kind == CS_NET:
            reader = Reader(pdu[: start + size], start + _BLOCK_HEADER)
            count = reader.u32()
            if count > _MOST_CHANNELS or reader.left != count * _CHANNEL_DEF:
                raise ProtocolError(f"{count} static channels")
            return [_channel_name(reader) for _ in range(count)]
    return []


def channel_ids(pdu: bytes) -> list[int]:
    """Return the ids that the desktop's Connect Response assigns to those channels (2.2.1.4.4)."""
    place = mcs.connect_response_data(pdu)
    blocks = list(_blocks(pdu, place, _CREATE_RESPONSE, _RESPONSE_KEY))
    _check_kinds([kind for kind, _, _ in blocks], _RESPONSE_BLOCKS)
    for kind, start, size in blocks:
        if kind == SC_NET:
            reader = Reader(pdu[: start + size], start + _BLOCK_HEADER)
            if reader.u16() != _IO_CHANNEL:
                raise ProtocolError("an I/O channel with another id than 1003")
            count = reader.u16()
            if count > _MOST_CHANNELS or reader.left != 2 * (count + count % 2):
                raise ProtocolError(f"{count} static channels")
            return [reader.u16() for _ in range(count)]
    return []


def _channel_name(reader: Reader) -> str:
    """Read a CHANNEL_DEF: an eight-byte name padded with NULs, and options.

    Only plain names are accepted, so that every parser compares them the same way.
    """
    packed = reader.take(8)
    reader.u32()
    found = _NAME.fullmatch(packed)
    if found is None:
        raise ProtocolError("a static channel whose name is not plain")
    return found[1].decode("ascii")


def _check_kinds(kinds: list[int], allowed: set[int]) -> None:
    """Reject unknown blocks and duplicates: one side might read the first, the other the last."""
    if len(set(kinds)) != len(kinds):
        raise ProtocolError("a GCC block that is there twice")
    if unknown := set(kinds) - allowed:
        raise ProtocolError(f"the GCC block {min(unknown):#06x} is not carried")


def _blocks(pdu: bytes, place: int, head: bytes, key: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield kind, offset in the packet and size of the settings blocks. Raises ProtocolError.

    The first length is not checked: peers copy a wrong value from Windows, and none relies on it.
    """
    reader = Reader(pdu, place)
    reader.expect(head, "GCC Conference Create")
    reader.per_length(least=0)
    reader.expect(key, "GCC Conference Create")
    if reader.per_length(least=0) != reader.left:  # xrdp always writes two bytes
        raise ProtocolError("the GCC user data is cut short")
    for _ in range(_MOST_BLOCKS):
        if not reader.left:
            return
        start = reader.offset
        kind, size = reader.u16(), reader.u16()
        if size < _BLOCK_HEADER:
            raise ProtocolError("a GCC block shorter than its header")
        reader.take(size - _BLOCK_HEADER)
        yield kind, start, size
    if reader.left:
        raise ProtocolError("more GCC blocks than there are kinds")
