"""The work for one side is bounded per byte, split into turns, and independent of the machine.

The parsers count their own steps. The test with the processor's clock checks that these counts are
realistic; its bound is generous.
"""

import contextlib
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.rdp import recorded
from tests.gateway.rdp.remotefx_messages import SCREEN, message, pdus_of
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.pdu import mcs
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.pdu.remotefx import Rectangle
from webapp.gateway.rdp.pdu.work import MOST_OF_A_PDU, STEPS_OF_A_TURN
from webapp.gateway.rdp.terms import Terms

RECORDS = recorded.read("xfce-with-resize")
AFTER_RESIZE = (640, 400)
STEPS_OF_A_BYTE = 1
SECONDS_OF_A_STEP = 2e-4
"""Thirty times the time on an idle machine."""


def activated(records: list[tuple[int, bytes]] = RECORDS) -> Conversation:
    conversation = Conversation(Terms(Login("a", "b")))
    list(recorded.replayed(conversation, records))
    return conversation


def turns_of(conversation: Conversation, side: int, data: bytes) -> list[int]:
    """Return the number of steps in each turn for these bytes."""
    is_browser = side == recorded.FROM_BROWSER
    take = conversation.from_browser if is_browser else conversation.from_desktop
    more = conversation.go_on_browser if is_browser else conversation.go_on_desktop
    before, turns = conversation.work.steps, []
    take(data)
    while True:
        turns.append(conversation.work.steps - before)
        before = conversation.work.steps
        if not (conversation.is_browser_waiting if is_browser else conversation.is_desktop_waiting):
            return turns
        more()


def costly_region(count: int, screen: tuple[int, int] = AFTER_RESIZE) -> bytes:
    """Rectangles over the whole screen, each of which cuts its tiles differently."""
    region = [Rectangle(n % 63 + 1, n % 61 + 1, 65_000, 65_000) for n in range(count)]
    return b"".join(pdus_of(message(region, []), piece=32_000, screen=screen))


def thin_bands(groups: int, tiles: int) -> bytes:
    """Rectangles that IronRDP would lose, with many tiles that each of them could need."""
    region = [Rectangle(20 * n, 5, 10, 1) for n in range(groups + 1)]
    body = message(region, [(n % 10, n // 10 % 7) for n in range(tiles)])
    return b"".join(pdus_of(body, piece=32_000, screen=AFTER_RESIZE))


HOSTILE = {
    "input of three bytes": (recorded.FROM_BROWSER, bytes.fromhex("040360") * 100_000),
    "input with 255 events": (
        recorded.FROM_BROWSER,
        (b"\x00\x81\x03\xff" + b"\x60" * 255) * 300,
    ),
    "huge rectangles": (recorded.FROM_DESKTOP, costly_region(250) * 40),
    "as many rectangles as fit": (recorded.FROM_DESKTOP, costly_region(3900) * 8),
    "thin rectangles in many groups": (recorded.FROM_DESKTOP, thin_bands(30, 2000) * 5),
    "thin rectangles and many tiles": (recorded.FROM_DESKTOP, thin_bands(8, 8000) * 3),
    "thin rectangles as costly as is mended": (recorded.FROM_DESKTOP, thin_bands(8, 250) * 30),
    "empty updates": (recorded.FROM_DESKTOP, bytes.fromhex("0005050000") * 50_000),
    "many updates in one": (
        recorded.FROM_DESKTOP,
        (struct.pack(">BH", 0, 0x8000 | 99) + bytes.fromhex("050000") * 32) * 2000,
    ),
    "frame markers": (
        recorded.FROM_DESKTOP,
        bytes.fromhex("000d040800040001000000ff00")[:13] * 20_000,
    ),
    "slow-path synchronisation": (
        recorded.FROM_BROWSER,
        mcs.data_pdu(
            mcs.SEND_DATA_REQUEST,
            5,
            1003,
            struct.pack("<HHHIBBHBBHHH", 6166, 0x17, 1006, 0x103EA, 0, 1, 6148, 0x1C, 0, 0, 512, 0)
            + bytes(12) * 512,
        )
        * 60,
    ),
}


@pytest.mark.parametrize(("side", "data"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_worked_on_in_short_turns(side: int, data: bytes) -> None:
    turns = turns_of(activated(), side, data)
    assert max(turns) <= STEPS_OF_A_TURN + MOST_OF_A_PDU
    assert sum(turns) <= STEPS_OF_A_BYTE * len(data)


@pytest.mark.parametrize(("side", "data"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_step_takes_no_longer_than_microseconds(side: int, data: bytes) -> None:
    conversation = activated()
    began = time.thread_time()
    steps = sum(turns_of(conversation, side, data))
    conversation.refresh()
    assert time.thread_time() - began <= SECONDS_OF_A_STEP * (steps + 1000)


@settings(max_examples=settings.default.max_examples // 2, deadline=None)
@given(st.integers(0, 1), st.lists(st.binary(max_size=300), max_size=8), st.booleans())
def test_no_bytes_make_more_steps_than_they_are(
    side: int, pieces: list[bytes], is_framed: bool
) -> None:
    conversation = activated()
    if is_framed and side == recorded.FROM_DESKTOP:
        pieces = [struct.pack(">BHBH", 0, 0x8006, 4, len(one))[:3] + one for one in pieces]
    before = conversation.work.steps
    with contextlib.suppress(ProtocolError):
        for piece in pieces:
            turns_of(conversation, side, piece)
    assert conversation.work.steps - before <= STEPS_OF_A_BYTE * sum(map(len, pieces)) + 10


def test_bytes_one_by_one_are_looked_at_once() -> None:
    """An unfinished PDU of 64 kB is not copied for each received byte."""
    pdu = mcs.data_pdu(mcs.SEND_DATA_INDICATION, 5, 1003, bytes(16_000))
    conversation = activated()
    for place in range(len(pdu) - 1):
        conversation.from_desktop(pdu[place : place + 1])
    assert not conversation.is_desktop_waiting
    with pytest.raises(ProtocolError, match="share PDU"):
        conversation.from_desktop(pdu[-1:])


def test_an_honest_connection_is_hardly_cut_into_turns() -> None:
    conversation = Conversation(Terms(Login("a", "b")))
    turns = [len(turns_of(conversation, side, data)) for side, data in RECORDS]
    assert max(turns) == 1


def test_many_thin_rectangles_are_asked_for_again_instead_of_mended() -> None:
    conversation = activated()
    data = thin_bands(30, 300)
    flow = conversation.from_desktop(data)
    assert b"".join(flow.to_browser) == data
    (asked,) = conversation.refresh().to_desktop
    assert len(mcs.parse_data(asked).payload) == 18 + 4 + 8 * 7, "each row of tiles"


def test_a_picture_of_another_screen_is_not_looked_at() -> None:
    conversation = activated()
    region = [Rectangle(70, 10, 5, 5)]
    for pdu in pdus_of(message(region, [(1, 0)]), screen=SCREEN):
        conversation.from_desktop(pdu)
    assert not conversation.has_partial_tiles


@pytest.mark.parametrize("size", [(0, 0), (8193, 600), (600, 65_535)])
def test_a_screen_of_a_size_that_cannot_be_ends_the_connection(size: tuple[int, int]) -> None:
    demand = next(n for n, (side, data) in enumerate(RECORDS) if side == 0 and b"RDP\0" in data)
    conversation = activated(RECORDS[:demand])
    packed = struct.pack("<HH", *SCREEN)
    data = RECORDS[demand][1].replace(packed, struct.pack("<HH", *size), 1)
    with pytest.raises(ProtocolError, match="pixels"):
        conversation.from_desktop(data)


def test_a_screen_may_have_tiles_that_are_not_whole() -> None:
    conversation = activated()
    for pdu in pdus_of(message([Rectangle(0, 0, *AFTER_RESIZE)], []), screen=AFTER_RESIZE):
        conversation.from_desktop(pdu)
    assert not conversation.has_partial_tiles
