"""A recorded connection in the gateway: what passes, what is changed, and what is counted."""

import struct

import pytest

from tests.gateway.rdp import recorded
from tests.gateway.rdp.remotefx_messages import message, pdus_of
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.flow import Flow
from webapp.gateway.rdp.pdu import framing, mcs
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.pdu.remotefx import Rectangle
from webapp.gateway.rdp.terms import Terms

LOGIN = Login("alice", "secret")
RECORDS = recorded.read("xfce-with-resize")
DESKTOP = recorded.pdus(RECORDS, recorded.FROM_DESKTOP)
#: The length of a completed Deactivate All.
DEACTIVATE_ALL = 27
SCANCODE, MOUSE, SYNCHRONISE = "0404001e", "04092000080e01c800", "040360"


def activated() -> Conversation:
    """A conversation that has processed the whole recording."""
    conversation = Conversation(Terms(LOGIN))
    list(recorded.replayed(conversation, RECORDS))
    conversation.take_input()
    return conversation


def replay(records: list[tuple[int, bytes]]) -> list[Flow]:
    return list(recorded.replayed(Conversation(Terms(LOGIN)), records))


def to_browser(flows: list[Flow]) -> list[bytes]:
    """Return all PDUs for the browser from the messages that contain them."""
    splitter = framing.Splitter()
    return [pdu for flow in flows for message in flow.to_browser for pdu in splitter.feed(message)]


def is_font_map(pdu: bytes) -> bool:
    if framing.is_fastpath(pdu) or mcs.kind_of(pdu) != mcs.SEND_DATA_INDICATION:
        return False
    return len(pdu) > 30 and mcs.parse_data(pdu).payload[14] == 0x28


def test_every_message_holds_whole_pdus_and_one_alone_during_an_activation() -> None:
    is_active = False
    counts = set()
    for flow in replay(RECORDS):
        for sent in flow.to_browser:
            pdus = list(framing.Splitter().feed(sent))
            assert b"".join(pdus) == sent
            is_active = is_active and len(sent) != DEACTIVATE_ALL
            counts.add((is_active, len(pdus) > 1))
            is_active = is_active or is_font_map(sent)
    assert counts == {(False, False), (True, False), (True, True)}


def test_nothing_is_lost_or_reordered_but_deactivate_all_is_completed() -> None:
    sent = to_browser(replay(RECORDS))
    changed = [(was, now) for was, now in zip(DESKTOP, sent, strict=True) if was != now]
    assert len(changed) == 1, "one resize, one Deactivate All"
    assert len(changed[0][1]) == DEACTIVATE_ALL
    payload = mcs.parse_data(changed[0][1]).payload
    assert len(mcs.parse_data(changed[0][0]).payload) == 6
    assert struct.unpack_from("<HH", payload) == (13, 0x16)
    assert len(payload) == 13


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_how_the_network_cuts_the_bytes_changes_nothing(size: int) -> None:
    cut = [(way, data[at : at + size]) for way, data in RECORDS for at in range(0, len(data), size)]
    assert to_browser(replay(cut)) == to_browser(replay(RECORDS))


@pytest.mark.parametrize(
    ("event", "counts"), [(SCANCODE, True), (MOUSE, True), (SYNCHRONISE, False)]
)
def test_input_counts_as_use_but_synchronising_does_not(event: str, counts: bool) -> None:
    conversation = activated()
    assert conversation.from_browser(bytes.fromhex(event)).to_desktop == [bytes.fromhex(event)]
    assert conversation.take_input() is counts
    assert conversation.take_input() is False, "asked once, it is forgotten"


def test_slow_path_input_counts_as_well() -> None:
    conversation = activated()
    event = struct.pack("<IHHHH", 0, 4, 0, 30, 0)
    body = struct.pack("<HH", 1, 0) + event
    header = struct.pack("<HHHIBBHBBH", 18 + len(body), 0x17, 1006, 0x103EA, 0, 1, 0, 0x1C, 0, 0)
    conversation.from_browser(mcs.data_pdu(mcs.SEND_DATA_REQUEST, 5, 1003, header + body))
    assert conversation.take_input()


def test_what_only_the_page_does_is_no_input() -> None:
    """A connection with pictures, clipboard, frame acknowledgements and a resize is unchanged."""
    conversation = Conversation(Terms(LOGIN))
    quiet = [
        (way, data)
        for way, data in RECORDS
        if way == recorded.FROM_DESKTOP or not framing.is_fastpath(data)
    ]
    list(recorded.replayed(conversation, quiet))
    assert conversation.take_input() is False


def test_channels_that_winux_does_not_offer_are_dropped_both_ways() -> None:
    records = [(way, data.replace(b"drdynvc\0", b"rdpdr\0\0\0")) for way, data in RECORDS]
    up = [pdu for flow in replay(records) for pdu in flow.to_desktop]
    down = to_browser(replay(records))
    on_it = [
        pdu
        for pdu in up + down
        if not framing.is_fastpath(pdu)
        and mcs.kind_of(pdu) in (mcs.SEND_DATA_REQUEST, mcs.SEND_DATA_INDICATION)
        and mcs.parse_data(pdu).channel == 1005
    ]
    assert on_it == []


def test_data_for_a_channel_that_nobody_joined_ends_the_connection() -> None:
    with pytest.raises(ProtocolError, match="nobody joined"):
        activated().from_browser(mcs.data_pdu(mcs.SEND_DATA_REQUEST, 5, 1999, bytes(20)))
    with pytest.raises(ProtocolError, match="nobody joined"):
        activated().from_desktop(mcs.data_pdu(mcs.SEND_DATA_INDICATION, 5, 1999, bytes(20)))


def test_a_good_bye_is_noticed_and_passed_on() -> None:
    conversation = activated()
    assert not conversation.has_disconnected
    good_bye = bytes.fromhex("0300000902f0802180")
    assert conversation.from_desktop(good_bye).to_browser == [good_bye]
    assert conversation.has_disconnected


def test_partial_tiles_are_asked_for_again_once() -> None:
    conversation = activated()
    for pdu in pdus_of(message([Rectangle(70, 10, 5, 5)], [(1, 0)]), screen=(640, 400)):
        conversation.from_desktop(pdu)
    assert conversation.has_partial_tiles
    (pdu,) = conversation.refresh().to_desktop
    data = mcs.parse_data(pdu)
    assert data.channel == 1003
    assert data.payload[14] == 0x21, "TS_REFRESH_RECT_PDU"
    assert data.payload[18] == 1
    assert struct.unpack_from("<4H", data.payload, 22) == (64, 0, 127, 63)
    assert conversation.refresh() == Flow()


# -- a slow browser ---------------------------------------------------------------------------


def marker(action: int, frame: int) -> bytes:
    command = struct.pack("<HHI", 4, action, frame)
    return struct.pack(">BHBBBB", 0, 0x8000 | 6 + len(command), 4, len(command), 0, 0)[:6] + command


def acknowledgement(frame: int) -> bytes:
    header = struct.pack("<HHHIBBHBBH", 22, 0x17, 1006, 0x103EA, 0, 1, 0, 0x38, 0, 0)
    return mcs.data_pdu(mcs.SEND_DATA_REQUEST, 5, 1003, header + struct.pack("<I", frame))


def frames_acknowledged(pdus: list[bytes]) -> list[int]:
    payloads = [mcs.parse_data(pdu).payload for pdu in pdus]
    return [struct.unpack_from("<I", p, 18)[0] for p in payloads if p[14] == 0x38]


def caught_up() -> Conversation:
    conversation = activated()
    conversation.from_desktop(marker(1, 1000))
    conversation.from_browser(acknowledgement(1000))
    assert not conversation.awaits_browser
    return conversation


@pytest.mark.parametrize("shown", [[marker(0, 1001)], [marker(0, 1001), marker(1, 1001)]])
def test_pictures_are_awaited_until_the_browser_has_drawn_them(shown: list[bytes]) -> None:
    conversation = caught_up()
    for pdu in shown:
        conversation.from_desktop(pdu)
    assert conversation.awaits_browser
    conversation.from_desktop(marker(1, 1001))
    conversation.from_browser(acknowledgement(1001))
    assert not conversation.awaits_browser


def test_a_slow_browser_is_lent_one_acknowledgement_at_a_time() -> None:
    conversation = caught_up()
    for frame in (1001, 1002, 1003):
        conversation.from_desktop(marker(1, frame))
    lent = [conversation.lend_acknowledgement().to_desktop for _ in range(2)]
    assert [frames_acknowledged(pdus) for pdus in lent] == [[1001], [1002]]
    assert conversation.awaits_browser, "nothing was drawn by that"
    passed = conversation.from_browser(acknowledgement(1003)).to_desktop
    assert passed == [acknowledgement(1003)]
    assert not conversation.awaits_browser
    conversation.from_desktop(marker(1, 1004))
    assert frames_acknowledged(conversation.lend_acknowledgement().to_desktop) == [1004]


def test_a_desktop_that_does_not_wait_is_made_to_wait_again() -> None:
    conversation = caught_up()
    flows = [conversation.from_desktop(marker(1, 1000 + n)) for n in range(1, 14)]
    asked = [frames_acknowledged(flow.to_desktop) for flow in flows]
    assert asked == [[]] * 5 + [[1006]] + [[]] * 5 + [[1012]] + [[]]


def test_few_frames_may_be_under_way() -> None:
    confirms = [
        pdu
        for flow in replay(RECORDS)
        for pdu in flow.to_desktop
        if len(pdu) == 512 and not framing.is_fastpath(pdu)
    ]
    assert len(confirms) == 2, "at the beginning and after the resize"
    for pdu in confirms:
        assert struct.pack("<HHI", 0x1E, 8, 4) in pdu
        assert struct.pack("<HHI", 0x1E, 8, 20) not in pdu


@pytest.mark.parametrize(
    "bytes_of_the_desktop",
    [b"SSH-2.0-OpenSSH\r\n", b"\x03\x00\x00\x00", b"\x00\x00", b"\x00\x80\x01"],
)
def test_a_desktop_that_speaks_something_else_ends_the_connection(
    bytes_of_the_desktop: bytes,
) -> None:
    with pytest.raises(ProtocolError):
        activated().from_desktop(bytes_of_the_desktop)
