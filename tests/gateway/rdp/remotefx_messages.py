"""RemoteFX messages and their fast-path PDUs, in the format of xrdp."""

import struct

from webapp.gateway.rdp.pdu.remotefx import Rectangle


def message(region: list[Rectangle], tiles: list[tuple[int, int]]) -> bytes:
    """Return a RemoteFX message in the format of xrdp; each tile's data is its own position."""
    packed = b"".join(struct.pack("<4H", r.x, r.y, r.width, r.height) for r in region)
    tile_blocks = b"".join(
        struct.pack("<HI3B2H3H", 0xCAC3, 22, 0, 0, 0, x, y, 1, 1, 1) + bytes([x, y, 0])
        for x, y in tiles
    )
    return b"".join(
        [
            struct.pack("<HIBBIH", 0xCCC4, 14, 1, 0, 7, 1),
            struct.pack("<HIBBBH", 0xCCC6, 15 + len(packed), 1, 0, 1, len(region)),
            packed + struct.pack("<HH", 0xCAC1, 1),
            struct.pack("<HIBBHHHBB", 0xCCC7, 27 + len(tile_blocks), 1, 0, 0xCAC2, 0, 0, 1, 64),
            struct.pack("<HI5s", len(tiles), len(tile_blocks), b"quant") + tile_blocks,
            struct.pack("<HIBB", 0xCCC5, 8, 1, 0),
        ]
    )


SCREEN = (640, 480)


def pdus_of(body: bytes, piece: int = 16_000, screen: tuple[int, int] = SCREEN) -> list[bytes]:
    """Return the fast-path PDUs of a Stream Surface Bits command."""
    command = struct.pack("<5H4BHHI", 6, 0, 0, *screen, 32, 0, 0, 3, *screen, len(body)) + body
    pieces = [command[at : at + piece] for at in range(0, len(command), piece)]
    kinds = [0] if len(pieces) == 1 else [2, *[3] * (len(pieces) - 2), 1]
    return [
        struct.pack(
            ">BHBBBB", 0, 0x8000 | 6 + len(one), kind << 4 | 4, len(one) & 255, len(one) >> 8, 0
        )[:6]
        + one
        for kind, one in zip(kinds, pieces, strict=True)
    ]
