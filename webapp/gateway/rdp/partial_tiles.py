"""Tracks the 64×64 tiles of the screen whose last update drew only a part of them.

xrdp encodes a tile that changed in part as if the rest of it were green (xorgxrdp fills it with
zeros), and the lossy codec smears that colour over the seam. The gateway requests such tiles again,
whole: when the screen is still, and from time to time while it is not. So the picture recovers from
any faulty update.

A row of tiles is one integer with a bit for each column, so that the cost of a rectangle depends
only on the number of rows it touches.
"""

from collections.abc import Sequence

from webapp.gateway.rdp.pdu.remotefx import Rectangle
from webapp.gateway.rdp.pdu.work import Work

TILE = 64
MOST_AREAS = 255
"""numberOfAreas of a Refresh Rect PDU is one byte."""
_ROWS_OF_A_STEP = 16


class PartialTiles:
    """Takes the regions of updates; returns the areas to request again."""

    def __init__(self) -> None:
        self._width = 0
        self._height = 0
        self._rows: list[int] = []

    def __bool__(self) -> bool:
        return any(self._rows)

    def resize(self, width: int, height: int) -> None:
        """Set the size of the screen and forget what was drawn before."""
        self._width, self._height = width, height
        self._rows = [0] * -(-height // TILE)

    def drawn(self, rectangles: Sequence[Rectangle], work: Work) -> None:
        """Record the rectangles that an update drew."""
        for one in rectangles:
            left, right = min(one.x, self._width), min(one.x + one.width, self._width)
            top, bottom = min(one.y, self._height), min(one.y + one.height, self._height)
            if left < right and top < bottom:
                work.spend(1 + (bottom - top) // TILE // _ROWS_OF_A_STEP)
                self._draw(left, top, right, bottom)

    def doubt_all(self) -> None:
        """Mark all tiles of the screen as partial."""
        every = _columns(0, -(-self._width // TILE))
        self._rows = [every] * len(self._rows)

    def take(self) -> list[Rectangle]:
        """Return the areas to request, joined along rows, and mark all tiles as whole."""
        areas = [area for row, tiles in enumerate(self._rows) for area in self._areas(row, tiles)]
        self.resize(self._width, self._height)
        everything = Rectangle(0, 0, self._width, self._height)
        return areas if len(areas) <= MOST_AREAS else [everything]

    def _draw(self, left: int, top: int, right: int, bottom: int) -> None:
        """Mark the tiles that the rectangle covers as whole and those it cuts as partial."""
        first, last = left // TILE, (right - 1) // TILE + 1
        touched = _columns(first, last)
        whole = _columns(*_covered(left, right, self._width))
        whole_rows = range(*_covered(top, bottom, self._height))
        for row in range(top // TILE, (bottom - 1) // TILE + 1):
            if row in whole_rows:
                self._rows[row] = self._rows[row] & ~whole | touched & ~whole
            else:
                self._rows[row] |= touched

    def _areas(self, row: int, tiles: int) -> list[Rectangle]:
        """Return an area for each run of adjacent tiles in a row."""
        areas, y = [], row * TILE
        height = min(TILE, self._height - y)
        column = 0
        while tiles >> column:
            column += _lowest(tiles >> column)
            count = _lowest(~(tiles >> column))
            x = column * TILE
            areas.append(Rectangle(x, y, min(count * TILE, self._width - x), height))
            column += count
        return areas


def _columns(start: int, end: int) -> int:
    return (1 << end) - (1 << start) if start < end else 0


def _lowest(number: int) -> int:
    """Return the position of the lowest set bit."""
    return (number & -number).bit_length() - 1


def _covered(start: int, end: int, size: int) -> tuple[int, int]:
    """Return the range of columns or rows that lie within `start` to `end`.

    The last one counts as covered if only the edge of the screen cuts it.
    """
    return -(-start // TILE), -(-size // TILE) if end >= size else end // TILE
