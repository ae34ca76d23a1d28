"""The Client Info PDU, with which a client signs in (MS-RDPBCGR 2.2.1.11)."""

import struct
from dataclasses import dataclass, field

from webapp.gateway.connection.wire import ProtocolError, Reader

_SECURITY_HEADER = struct.pack("<HH", 0x0040, 0)
"""TS_SECURITY_HEADER of this PDU: SEC_INFO_PKT alone (2.2.8.1.1.2.1)."""
_LICENSE_FLAGS = struct.pack("<H", 0x0080)
"""SEC_LICENSE_PKT."""
_LARGEST = 8192

_INFO_MOUSE = 0x00000001
_INFO_AUTOLOGON = 0x00000008
_INFO_UNICODE = 0x00000010
_INFO_COMPRESSION = 0x00000080
_COMPRESSION_TYPES = 0x00001E00
_LONGEST_TEXT = 512
"""Bytes of one text; the field allows 512 with its terminator (2.2.1.11.1.1)."""


@dataclass(frozen=True)
class Login:
    """The desktop's user and password; never sent to the browser."""

    username: str
    password: str = field(repr=False)


def is_client_info(payload: bytes) -> bool:
    """Whether data on the I/O channel is a Client Info PDU."""
    return payload[:4] == _SECURITY_HEADER


def is_license(payload: bytes) -> bool:
    """Whether this is a licensing PDU (2.2.1.12), which must follow the Client Info PDU.

    Only the flags are compared: xrdp writes a length into the second half of the security header.
    """
    return payload[:2] == _LICENSE_FLAGS


def rewrite(payload: bytes, login: Login) -> bytes:
    """Return the PDU with the real user and password and automatic logon. Raises ProtocolError.

    The browser's own settings are dropped: its user name and password, a program to run instead of
    the desktop, and bulk compression, which could hide channel data from the gateway.
    """
    if len(payload) > _LARGEST:
        raise ProtocolError("a Client Info PDU is never that long")
    reader = Reader(payload)
    security = reader.take(4)
    code_page, flags = reader.u32(), reader.u32()
    if not flags & _INFO_UNICODE:
        raise ProtocolError("a Client Info PDU that is not Unicode")
    sizes = [reader.u16() for _ in range(5)]
    if max(sizes) > _LONGEST_TEXT or any(size % 2 for size in sizes):
        raise ProtocolError("a text in the Client Info PDU is too long, or half a letter")
    for size in sizes:
        reader.take(size + 2)
    flags &= ~(_INFO_COMPRESSION | _COMPRESSION_TYPES)
    flags |= _INFO_AUTOLOGON | _INFO_MOUSE
    # domain, user name, password, alternate shell, working directory
    texts = [text.encode("utf-16-le") for text in ("", login.username, login.password, "", "")]
    return b"".join(
        [
            security,
            struct.pack("<II5H", code_page, flags, *map(len, texts)),
            *(text + b"\0\0" for text in texts),
            reader.rest(),
        ]
    )
