"""How the gateway keeps the picture correct: regions are split, and tiles are requested again."""

from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.rdp import recorded
from tests.gateway.rdp.ironrdp_region import Edges, unite
from tests.gateway.rdp.remotefx_messages import SCREEN, message, pdus_of
from webapp.gateway.rdp.partial_tiles import MOST_AREAS, TILE, PartialTiles
from webapp.gateway.rdp.pdu import remotefx
from webapp.gateway.rdp.pdu.remotefx import Rectangle
from webapp.gateway.rdp.pdu.work import Work
from webapp.gateway.rdp.surface import RegionFixer

WIDTH, HEIGHT = 200, 150
RECORDS = recorded.read("xfce-with-resize")


@st.composite
def regions(draw: st.DrawFn) -> list[Rectangle]:
    """A region in the form of X servers: bands from top to bottom, in each rectangles left to
    right."""
    rectangles = []
    y = draw(st.integers(0, 20))
    for _ in range(draw(st.integers(1, 5))):
        height = draw(st.sampled_from([1, 1, 2, 3, 20]))
        x = draw(st.integers(0, 30))
        for _ in range(draw(st.integers(1, 4))):
            width = draw(st.sampled_from([1, 2, 5, 30]))
            if x + width > WIDTH:
                break
            rectangles.append(Rectangle(x, y, width, height))
            x += width + draw(st.sampled_from([1, 2, 9]))
        y += height + draw(st.sampled_from([0, 0, 1, 5]))
    return rectangles


def pixels(rectangles: list[Rectangle]) -> set[tuple[int, int]]:
    return {
        (x, y)
        for one in rectangles
        for x in range(one.x, one.x + one.width)
        for y in range(one.y, one.y + one.height)
    }


def painted_by_ironrdp(rectangles: list[Rectangle]) -> set[tuple[int, int]]:
    edges: list[Edges] = [
        (one.x, one.y, one.x + one.width - 1, one.y + one.height - 1) for one in rectangles
    ]
    return {
        (x, y)
        for left, top, right, bottom in unite(edges)
        for x in range(left, right + 1)
        for y in range(top, bottom + 1)
    }


def test_the_fault_is_there_two_thin_rectangles_in_one_band() -> None:
    thin = [Rectangle(0, 5, 10, 1), Rectangle(20, 5, 10, 1)]
    assert painted_by_ironrdp(thin) == pixels(thin[:1])


@given(regions())
def test_what_stays_and_what_is_moved_paint_exactly_the_region(region: list[Rectangle]) -> None:
    groups = remotefx.split_bands(region)
    lost = {one for group in groups for one in group}
    stays = [region[0] if one in lost else one for one in region]
    painted = painted_by_ironrdp(stays)
    for group in groups:
        painted |= painted_by_ironrdp(group)
    assert painted == pixels(region)


@given(regions())
def test_a_region_that_ironrdp_gets_right_is_left_alone(region: list[Rectangle]) -> None:
    if not remotefx.split_bands(region):
        assert painted_by_ironrdp(region) == pixels(region)


# -- messages ---------------------------------------------------------------------------------


def through(pdus: list[bytes]) -> list[bytes]:
    mender = RegionFixer(Work())
    mender.resize(*SCREEN)
    return [out for pdu in pdus for out in mender.take(pdu)]


def bodies(pdus: list[bytes]) -> list[bytes]:
    """Return the RemoteFX messages in a sequence of PDUs."""
    found, command = [], b""
    for pdu in pdus:
        command = pdu[6:] if pdu[3] >> 4 in (0, 2) else command + pdu[6:]
        if pdu[3] >> 4 in (0, 1):
            found.append(command[22:])
    return found


def region_of(body: bytes) -> list[Rectangle]:
    region = remotefx.find_region(body)
    assert region is not None
    return region.rectangles


TALL, THIN, THIN_TOO = Rectangle(0, 0, 90, 70), Rectangle(0, 70, 9, 1), Rectangle(130, 70, 40, 1)
TILES = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (3, 3)]


def test_lost_rectangles_come_in_a_message_of_their_own_with_the_tiles_they_need() -> None:
    body = message([TALL, THIN, THIN_TOO], TILES)
    first, second = bodies(through(pdus_of(body)))
    assert region_of(first) == [TALL, THIN, TALL]
    assert len(first) == len(body), "changed in place"
    assert region_of(second) == [THIN_TOO]
    assert second == message([THIN_TOO], [(2, 1)])


def test_an_update_in_fragments_is_mended_all_the_same() -> None:
    body = message([TALL, THIN, THIN_TOO], TILES * 30)
    out = through(pdus_of(body, piece=400))
    assert len(out) > 10
    assert bodies(out) == bodies(through(pdus_of(body)))


def test_other_updates_pass_as_they_are() -> None:
    pdus = pdus_of(message([TALL, THIN], TILES))
    assert through(pdus) == pdus


def test_the_pictures_of_a_real_desktop_pass_as_they_are() -> None:
    pdus = [p for p in recorded.pdus(RECORDS, recorded.FROM_DESKTOP) if p[0] != 3]
    assert len(pdus) > 20
    assert through(pdus) == pdus


# -- partial tiles ----------------------------------------------------------------------------


def on_screen() -> PartialTiles:
    tiles = PartialTiles()
    tiles.resize(WIDTH, HEIGHT)
    return tiles


@given(st.lists(regions(), min_size=1, max_size=6))
def test_every_tile_that_was_drawn_in_part_last_is_asked_for(drawn: list[list[Rectangle]]) -> None:
    tiles = on_screen()
    for region in drawn:
        tiles.drawn(region, Work())
    asked = pixels(tiles.take())
    last: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for region in drawn:
        for x, y in pixels(region):
            if x < WIDTH and y < HEIGHT:
                last.setdefault((x // TILE, y // TILE), set())
        for tile, before in list(last.items()):
            here = {(x, y) for x, y in pixels(region) if (x // TILE, y // TILE) == tile}
            last[tile] = here or before
    for (column, row), here in last.items():
        whole = {
            (x, y)
            for x in range(column * TILE, min((column + 1) * TILE, WIDTH))
            for y in range(row * TILE, min((row + 1) * TILE, HEIGHT))
        }
        if here != whole:
            assert whole <= asked


def test_whole_tiles_are_not_asked_for() -> None:
    tiles = on_screen()
    tiles.drawn([Rectangle(0, 0, 128, 64), Rectangle(128, 64, 72, 86)], Work())
    assert not tiles


def test_a_tile_drawn_whole_later_is_not_asked_for() -> None:
    tiles = on_screen()
    tiles.drawn([Rectangle(10, 10, 5, 5)], Work())
    tiles.drawn([Rectangle(0, 0, 64, 64)], Work())
    assert tiles.take() == []


def test_a_resize_forgets_what_was() -> None:
    tiles = on_screen()
    tiles.drawn([Rectangle(10, 10, 5, 5)], Work())
    tiles.resize(WIDTH - 1, HEIGHT)
    assert not tiles


def test_more_areas_than_a_request_takes_become_the_whole_screen() -> None:
    tiles = PartialTiles()
    size = 64 * 64
    tiles.resize(size, size)
    for n in range(0, 64, 2):
        tiles.drawn([Rectangle(n * 64 + 1, m * 64 + 1, 2, 2) for m in range(32)], Work())
    areas = tiles.take()
    assert len(areas) <= MOST_AREAS
    assert areas == [Rectangle(0, 0, size, size)]
