"""The clip regions of RemoteFX messages (MS-RDPRFX 2.2.2); tiles are never decoded.

IronRDP unites the rectangles of a message's region with inclusive edges, and loses all but the
first rectangle of a band that is one pixel high (`Region::union_rectangle`): those lines of the
picture are not updated. xrdp sends a region as the X server stores it, in bands from top to bottom,
and thin frames and round corners make such bands. `surface` uses this module to move the rectangles
that would be lost into messages of their own.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from webapp.gateway.connection.wire import ProtocolError, Reader

_FRAME_BEGIN, _FRAME_END, _REGION, _EXTENSION = 0xCCC4, 0xCCC5, 0xCCC6, 0xCCC7
_HEADERS = frozenset({0xCCC0, 0xCCC1, 0xCCC2, 0xCCC3})
"""WBT_SYNC, WBT_CODEC_VERSIONS, WBT_CHANNELS, WBT_CONTEXT: sent in the first message only."""
_TILE = 0xCAC3
_BLOCK_HEADER = 6
_CODEC_HEADER = 8
"""TS_RFX_CODEC_CHANNELT: the block header, codec id and channel id."""
_RECTANGLES = _CODEC_HEADER + 3
"""Offset of a region's rectangles: after regionFlags and numRects."""
_RECTANGLE = 8
_TILESET_HEADER = 22
_QUANTS = 5
_TILE_COUNT_AT = 16
_TILE_SIZE = 64
_MOST_BLOCKS = 16
"""A message from xrdp has at most eight blocks."""
MOST_RECTANGLES = 256
"""A region with more rectangles is not parsed."""
MOST_GROUPS = 8
MOST_LOOKS = 2048
"""Limit of moved rectangles times tiles of the message; above it the region is not changed."""


class Rectangle(NamedTuple):
    """TS_RFX_RECT: place and size in pixels."""

    x: int
    y: int
    width: int
    height: int

    def touches_tile(self, column: int, row: int) -> bool:
        return (
            self.x < (column + 1) * _TILE_SIZE
            and column * _TILE_SIZE < self.x + self.width
            and self.y < (row + 1) * _TILE_SIZE
            and row * _TILE_SIZE < self.y + self.height
        )


@dataclass(frozen=True)
class Region:
    """A message's region and the offset of its rectangles in the message."""

    place: int
    count: int
    rectangles: list[Rectangle]
    """Empty when there are more than MOST_RECTANGLES."""


def find_region(message: bytes) -> Region | None:
    """Return the region of a message, given at least its beginning; None if it has none there."""
    place = 0
    for _ in range(_MOST_BLOCKS):
        if place + _RECTANGLES > len(message):
            return None
        kind, size = struct.unpack_from("<HI", message, place)
        if place + size > len(message):
            return None
        if kind == _REGION:
            (count,) = struct.unpack_from("<H", message, place + _RECTANGLES - 2)
            packed = Reader(message[: place + size], place + _RECTANGLES).take(count * _RECTANGLE)
            if count > MOST_RECTANGLES:
                return Region(place + _RECTANGLES, count, [])
            rectangles = map(Rectangle._make, struct.iter_unpack("<4H", packed))
            return Region(place + _RECTANGLES, count, list(rectangles))
        if size < _BLOCK_HEADER or (kind not in _HEADERS and kind != _FRAME_BEGIN):
            return None
        place += size
    return None


def split_bands(rectangles: list[Rectangle]) -> list[list[Rectangle]]:
    """Return the rectangles that IronRDP would lose, in groups that it can draw without loss.

    Group n holds the rectangles at index n + 1 of the bands that are one pixel high.
    """
    rows: dict[int, list[Rectangle]] = defaultdict(list)
    for one in rectangles:
        if one.height == 1:
            rows[one.y].append(one)
    groups: list[list[Rectangle]] = []
    for _, row in sorted(rows.items()):
        for place, one in enumerate(row[1:]):
            if place == len(groups):
                groups.append([])
            groups[place].append(one)
    return groups


def without(message: bytes, region: Region, lost: list[Rectangle]) -> bytes:
    """Return the message with `lost` removed from its region; the length stays the same.

    Copies of the region's first rectangle, which change nothing, replace them.
    """
    out, out_of = bytearray(message), set(lost)
    first = _pack(region.rectangles[0])
    for number, one in enumerate(region.rectangles):
        if one in out_of:
            place = region.place + number * _RECTANGLE
            out[place : place + _RECTANGLE] = first
    return bytes(out)


def count_tiles(message: bytes) -> int:
    """Return the number of tiles that a whole message announces."""
    counts = [
        struct.unpack_from("<H", block, _TILE_COUNT_AT)[0]
        for kind, block in _blocks(message, _MOST_BLOCKS)
        if kind == _EXTENSION and len(block) >= _TILESET_HEADER
    ]
    return sum(counts)


def only(message: bytes, rectangles: list[Rectangle]) -> bytes:
    """Return a message that draws only these rectangles of a whole message."""
    blocks = [_cut(kind, block, rectangles) for kind, block in _blocks(message, _MOST_BLOCKS)]
    return b"".join(blocks)


def _cut(kind: int, block: bytes, rectangles: list[Rectangle]) -> bytes:
    if kind in _HEADERS:
        return b""
    if kind == _REGION:
        packed = b"".join(map(_pack, rectangles))
        trailer = block[-4:]
        size = _RECTANGLES + len(packed) + len(trailer)
        head = struct.pack("<HI", kind, size) + block[_BLOCK_HEADER : _RECTANGLES - 2]
        return head + struct.pack("<H", len(rectangles)) + packed + trailer
    return _cut_tiles(block, rectangles) if kind == _EXTENSION else block


def _cut_tiles(block: bytes, rectangles: list[Rectangle]) -> bytes:
    """Return a TS_RFX_TILESET reduced to the tiles that the rectangles touch."""
    reader = Reader(block)
    head = reader.take(_TILESET_HEADER)
    quants = reader.take(head[14] * _QUANTS)
    (count,) = struct.unpack_from("<H", head, _TILE_COUNT_AT)
    tiles = [
        tile
        for tile in _tiles(reader.rest(), count)
        if any(_touches(one, tile) for one in rectangles)
    ]
    data = b"".join(tiles)
    size = len(head) + len(quants) + len(data)
    fixed = struct.pack("<HI", _EXTENSION, size) + head[_BLOCK_HEADER:_TILE_COUNT_AT]
    return fixed + struct.pack("<HI", len(tiles), len(data)) + quants + data


def _touches(rectangle: Rectangle, tile: bytes) -> bool:
    column, row = struct.unpack_from("<HH", tile, 9)
    return rectangle.touches_tile(column, row)


def _tiles(data: bytes, count: int) -> Iterator[bytes]:
    for kind, tile in _blocks(data, count):
        if kind != _TILE or len(tile) < 13:
            raise ProtocolError("something else among RemoteFX tiles")
        yield tile


def _blocks(data: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and bytes of each block. Raises ProtocolError for more than `most`."""
    reader = Reader(data)
    for _ in range(most):
        if not reader.left:
            return
        start = reader.offset
        kind, size = reader.u16(), reader.u32()
        if size < _BLOCK_HEADER:
            raise ProtocolError("a RemoteFX block shorter than its header")
        reader.take(size - _BLOCK_HEADER)
        yield kind, data[start : start + size]
    if reader.left:
        raise ProtocolError("more RemoteFX blocks than announced")


def _pack(one: Rectangle) -> bytes:
    return struct.pack("<4H", *one)
