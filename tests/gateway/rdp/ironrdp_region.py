"""The algorithm with which IronRDP 0.7 unites the rectangles of a region, for tests.

Written after `ironrdp-graphics/src/rectangle_processing.rs`: edges are inclusive, so a rectangle
that
begins in the last row of a band counts as below that band.
"""

Edges = tuple[int, int, int, int]
"""Left, top, right, bottom, all inclusive."""


def unite(rectangles: list[Edges]) -> list[Edges]:
    """Return the rectangles of the resulting region."""
    region: list[Edges] = []
    for one in rectangles:
        region = _simplified(_united(region, one)) if region else [one]
    return region


def _united(region: list[Edges], one: Edges) -> list[Edges]:
    left, top, right, bottom = one
    highest, lowest = min(r[1] for r in region), max(r[3] for r in region)
    out: list[Edges] = []
    if top < highest:
        out.append((left, top, right, min(highest, bottom)))
    bands = _bands(region)
    for number, band in enumerate(bands):
        band_top, band_bottom = band[0][1], band[0][3]
        between = top
        if band_bottom <= top or bottom <= band_top or _is_inside(band, one):
            out += band
        else:
            out += _overlapped(band, one)
            between = band_bottom
        if number + 1 < len(bands):
            next_top = bands[number + 1][0][1]
            if next_top != band_bottom and band_bottom < bottom and top < next_top:
                out.append((left, between, right, min(next_top, bottom)))
    if lowest < bottom:
        out.append((left, max(lowest, top), right, bottom))
    return out


def _overlapped(band: list[Edges], one: Edges) -> list[Edges]:
    _, top, _, bottom = one
    band_top, band_bottom = band[0][1], band[0][3]
    out = _cut(band, band_top, top) if band_top < top else []
    out += _merged(band, max(top, band_top), min(bottom, band_bottom), one)
    return out + (_cut(band, bottom, band_bottom) if bottom < band_bottom else [])


def _merged(band: list[Edges], top: int, bottom: int, one: Edges) -> list[Edges]:
    before = [r for r in band if r[2] < one[0]]
    rest = band[len(before) :]
    left = min(rest[0][0] if rest else one[0], one[0])
    right = one[2]
    while rest:
        if rest[0][2] >= one[2]:
            if rest[0][0] < one[2]:
                right = rest[0][2]
                rest = rest[1:]
            break
        rest = rest[1:]
    return [*_cut(before, top, bottom), (left, top, right, bottom), *_cut(rest, top, bottom)]


def _cut(band: list[Edges], top: int, bottom: int) -> list[Edges]:
    return [(r[0], top, r[2], bottom) for r in band]


def _is_inside(band: list[Edges], one: Edges) -> bool:
    if one[1] < band[0][1] or band[0][3] < one[3]:
        return False
    for r in band:
        if r[0] > one[0]:
            return False
        if one[2] <= r[2]:
            return True
    return False


def _bands(region: list[Edges]) -> list[list[Edges]]:
    bands: list[list[Edges]] = []
    for r in region:
        if bands and bands[-1][0][1] == r[1]:
            bands[-1].append(r)
        else:
            bands.append([r])
    return bands


def _simplified(region: list[Edges]) -> list[Edges]:
    bands = _bands(region)
    number = 0
    while number + 1 < len(bands):
        upper, lower = bands[number], bands[number + 1]
        is_same = [(r[0], r[2]) for r in upper] == [(r[0], r[2]) for r in lower]
        if upper[0][3] == lower[0][1] and is_same:
            bands[number] = _cut(upper, upper[0][1], lower[0][3])
            del bands[number + 1]
        else:
            number += 1
    return [r for band in bands for r in band]
