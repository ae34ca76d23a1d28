"""The Client Info PDU, in which a client signs in (MS-RDPBCGR 2.2.1.11)."""

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
    """Who signs in to the desktop; never leaves the gateway towards the browser."""

    username: str
    password: str = field(repr=False)


def is_client_info(payload: bytes) -> bool:
    """Whether data on the I/O channel is a Client Info PDU."""
    return payload[:4] == _SECURITY_HEADER


def is_license(payload: bytes) -> bool:
    """Whether it is a licensing PDU (2.2.1.12), which comes next and before all others.

    Of its security header xrdp fills the second half with a length.
    """
    return payload[:2] == _LICENSE_FLAGS


def rewrite(payload: bytes, login: Login) -> bytes:
    """The PDU with the real user and password, signing in by itself.

    What the browser asks beyond that is dropped: its own name and password, another program
    instead of the desktop, and bulk compression, behind which channel data could hide.
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
