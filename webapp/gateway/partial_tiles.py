"""Which 64×64 tiles of the screen were last drawn in part only.

xrdp encodes a tile that changed in part as if the rest of it were green (xorgxrdp fills it with
zeros), and the lossy codec smears that colour over the seam. Such tiles are asked for again, whole:
when the screen rests, and now and then while it does not. So the picture comes right by itself
whatever went wrong with an update.
"""

from collections.abc import Iterable

from webapp.gateway.remotefx import Rectangle

TILE = 64
MOST_AREAS = 255
"""numberOfAreas of a Refresh Rect PDU is one byte."""

Tile = tuple[int, int]
"""Column and row."""


class PartialTiles:
    """Fed with the regions of updates; gives the areas to ask for again."""

    def __init__(self) -> None:
        self._tiles: set[Tile] = set()
        self._width = 0
        self._height = 0

    def __bool__(self) -> bool:
        return bool(self._tiles)

    def drawn(self, rectangles: Iterable[Rectangle], width: int, height: int) -> None:
        """An update drew these rectangles of a screen of this size."""
        if (width, height) != (self._width, self._height):
            self._tiles.clear()
            self._width, self._height = width, height
        for one in rectangles:
            self._forget_covered(one)
            self._tiles |= self._edges(one)

    def take(self) -> list[Rectangle]:
        """The areas to ask for, joined along rows; they count as whole from now on."""
        areas: list[Rectangle] = []
        for column, row in sorted(self._tiles, key=lambda tile: (tile[1], tile[0])):
            area = self._area(column, row)
            if areas and areas[-1].y == area.y and areas[-1].x + areas[-1].width == area.x:
                joined = areas.pop()
                area = Rectangle(joined.x, area.y, joined.width + area.width, area.height)
            areas.append(area)
        self._tiles.clear()
        everything = Rectangle(0, 0, self._width, self._height)
        return areas if len(areas) <= MOST_AREAS else [everything]

    def _area(self, column: int, row: int) -> Rectangle:
        x, y = column * TILE, row * TILE
        return Rectangle(x, y, min(TILE, self._width - x), min(TILE, self._height - y))

    def _forget_covered(self, one: Rectangle) -> None:
        """Tiles that lie in the rectangle with all their pixels are whole now."""
        right, bottom = one.x + one.width, one.y + one.height
        columns = _whole(one.x, right, self._width)
        rows = _whole(one.y, bottom, self._height)
        if self._tiles and columns and rows:
            self._tiles = {
                tile for tile in self._tiles if tile[0] not in columns or tile[1] not in rows
            }

    def _edges(self, one: Rectangle) -> set[Tile]:
        """The tiles that the rectangle's edges cut through."""
        right, bottom = min(one.x + one.width, self._width), min(one.y + one.height, self._height)
        if one.x >= right or one.y >= bottom:
            return set()
        columns = range(one.x // TILE, (right - 1) // TILE + 1)
        rows = range(one.y // TILE, (bottom - 1) // TILE + 1)
        cut: set[Tile] = set()
        if one.x % TILE:
            cut.update((columns[0], row) for row in rows)
        if right % TILE and right != self._width:
            cut.update((columns[-1], row) for row in rows)
        if one.y % TILE:
            cut.update((column, rows[0]) for column in columns)
        if bottom % TILE and bottom != self._height:
            cut.update((column, rows[-1]) for column in columns)
        return cut


def _whole(start: int, end: int, size: int) -> range:
    """The columns or rows that lie in start to end; the last one may be cut off by the screen."""
    return range(-(-start // TILE), -(-size // TILE) if end >= size else end // TILE)
