"""The Client Info PDU, in which a client signs in (MS-RDPBCGR 2.2.1.11)."""

import struct
from dataclasses import dataclass, field

from webapp.gateway.wire import ProtocolError, Reader

SEC_INFO_PKT = 0x0040
"""TS_SECURITY_HEADER.flags of this PDU (2.2.8.1.1.2.1)."""

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
    return len(payload) >= 4 and bool(struct.unpack_from("<H", payload)[0] & SEC_INFO_PKT)


def rewrite(payload: bytes, login: Login) -> bytes:
    """The PDU with the real user and password, signing in by itself.

    What the browser asks beyond that is dropped: its own name and password, another program
    instead of the desktop, and bulk compression, behind which channel data could hide.
    """
    reader = Reader(payload)
    security = reader.take(4)
    code_page, flags = reader.u32(), reader.u32()
    if not flags & _INFO_UNICODE:
        raise ProtocolError("a Client Info PDU that is not Unicode")
    sizes = [reader.u16() for _ in range(5)]
    if max(sizes) > _LONGEST_TEXT:
        raise ProtocolError("a text in the Client Info PDU is too long")
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
