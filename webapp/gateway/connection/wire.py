"""Reads and writes binary fields with every length checked; defines ProtocolError."""

import struct

Octets = bytes | memoryview
"""Bytes, or a view of bytes that were not copied."""
_PER_LIMIT = 0x4000


class ProtocolError(ValueError):
    """Raised for bytes that no honest peer sends; their connection is closed."""


class Overuse(ProtocolError):
    """Raised for valid bytes that only cost work, more of them than any honest peer sends."""


class Reader:
    """A cursor over bytes; every read past the end raises ProtocolError."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    @property
    def left(self) -> int:
        return len(self.data) - self.offset

    def take(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise ProtocolError(f"{count} bytes announced, {self.left} are there")
        start = self.offset
        self.offset += count
        return self.data[start : self.offset]

    def rest(self) -> bytes:
        return self.take(self.left)

    def number(self, layout: str) -> int:
        """Read one number with a `struct` format such as `<H`."""
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def u8(self) -> int:
        return self.number("B")

    def u16(self) -> int:
        """Read a little-endian number, as in RDP's own structures."""
        return self.number("<H")

    def u32(self) -> int:
        return self.number("<I")

    def u16_be(self) -> int:
        """Read a big-endian number, as in TPKT and T.125."""
        return self.number(">H")

    def expect(self, wanted: bytes, what: str) -> None:
        if self.take(len(wanted)) != wanted:
            raise ProtocolError(f"this is no {what}")

    def ber_length(self) -> int:
        """Read a definite length (X.690 8.1.3) below 65536.

        A length below 128 must be in its short form. xrdp writes all others with two bytes, even
        where one is enough, so both forms are accepted for them.
        """
        first = self.u8()
        if first < 0x80:
            return first
        if first not in (0x81, 0x82):
            raise ProtocolError("a BER length of that form is not used")
        length = int.from_bytes(self.take(first & 0x7F), "big")
        if length < 0x80:
            raise ProtocolError("a BER length that is not in its shortest form")
        return length

    def ber(self, tag: bytes, what: str) -> bytes:
        """Return the content of the element with this tag."""
        self.expect(tag, what)
        return self.take(self.ber_length())

    def per_length(self, least: int = 0x80) -> int:
        """Read a length determinant (X.691 11.9) below 16384; two-byte forms start at `least`."""
        first = self.u8()
        if first < 0x80:
            return first
        length = (first & 0x7F) << 8 | self.u8()
        if not least <= length < _PER_LIMIT:
            raise ProtocolError("a PER length that is not in its shortest form")
        return length


def ber(tag: bytes, content: bytes) -> bytes:
    """Return an element in DER, with its length in the shortest form."""
    size = len(content)
    if size < 0x80:
        return tag + bytes([size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([0x80 | len(length)]) + length + content


def per_length(size: int) -> bytes:
    """Return a length determinant (X.691 11.9) in its shortest form, as RDP peers write it."""
    if size < 0x80:
        return bytes([size])
    if size >= _PER_LIMIT:
        raise ProtocolError(f"{size} bytes do not fit into one PDU")
    return struct.pack(">H", 0x8000 | size)
