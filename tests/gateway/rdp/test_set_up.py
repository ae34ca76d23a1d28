"""The set-up of a connection: what the gateway reads and changes, on bytes of a real xrdp."""

import struct

import pytest

from tests.gateway.fake_browser import http_status, rdcleanpath_request
from tests.gateway.rdp import recorded
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.pdu import gcc, mcs, rdcleanpath, x224
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.terms import Terms

LOGIN = Login("alice", "pässwörd")
RECORDS = recorded.read("xfce-with-resize")
BROWSER = recorded.pdus(RECORDS, recorded.FROM_BROWSER)
DESKTOP = recorded.pdus(RECORDS, recorded.FROM_DESKTOP)
CLIENT_INFO = 321
"""Bytes of the recorded connection."""


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def core_data(pdu: bytes) -> bytes:
    """Return the client core data block of a Connect Initial."""
    place = pdu.index(struct.pack("<H", gcc.CS_CORE), pdu.index(b"Duca"))
    return pdu[place : place + struct.unpack_from("<H", pdu, place + 2)[0]]


# -- RDCleanPath ------------------------------------------------------------------------------


def test_a_request_gives_the_ticket_and_nothing_about_where_to() -> None:
    request = rdcleanpath.parse_request(rdcleanpath_request("a-ticket"))
    assert request.ticket == "a-ticket"
    x224.check_request(request.x224)
    assert "169.254" not in repr(request)


def test_a_ticket_is_not_shown_when_a_request_is_printed() -> None:
    assert "a-ticket" not in repr(rdcleanpath.parse_request(rdcleanpath_request("a-ticket")))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x30",
        b"\x30\x84\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n",
        rdcleanpath_request("x", version=1),
        rdcleanpath_request("x")[:-1],
        rdcleanpath_request("x") + b"\0",
        rdcleanpath_request("x" * 5000),
        rdcleanpath_request("").replace(b"\xa3\x02\x0c\x00", b"\xa3\x02\x02\x00")[:-4],
    ],
    ids=range(9),
)
def test_a_request_that_is_none_is_refused(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        rdcleanpath.parse_request(message)


def test_an_answer_holds_the_certificate_and_the_confirm() -> None:
    answer = rdcleanpath.response("desktop-1", b"confirm", b"c" * 700)
    assert b"confirm" in answer
    assert b"c" * 700 in answer
    assert http_status(answer) is None


def test_a_refusal_holds_the_status() -> None:
    assert http_status(rdcleanpath.refusal(401)) == 401
    assert http_status(rdcleanpath.refusal(503)) == 503


# -- X.224 ------------------------------------------------------------------------------------


def test_our_own_request_is_one_that_we_take() -> None:
    x224.check_request(x224.connection_request())


@pytest.mark.parametrize(
    ("confirm", "why"),
    [
        ("030000130ed000001234000301080005000000", "failure code 5"),
        ("030000130ed000001234000201080002000000", "something else"),
        ("0300000b06d00000123400", "does not negotiate"),
        ("030000130ee000001234000201080001000000", "no X.224"),
        ("030000140ed000001234000201080001000000", "cut short"),
        ("0300", "announced"),
    ],
)
def test_a_desktop_without_tls_is_refused(confirm: str, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        x224.check_confirm(bytes.fromhex(confirm))


def test_the_confirm_of_xrdp_is_taken() -> None:
    x224.check_confirm(bytes.fromhex("030000130ed000001234000201080001000000"))


def test_a_confirm_that_claims_to_be_huge_is_not_waited_for() -> None:
    with pytest.raises(ProtocolError):
        x224.confirm_length(b"\x03\x00\xff\xff")


# -- GCC --------------------------------------------------------------------------------------


def test_the_core_data_asks_for_what_xrdp_needs() -> None:
    before, after = (
        core_data(pdu) for pdu in (BROWSER[0], gcc.rewrite_core_data(BROWSER[0], 0x40C))
    )
    assert struct.unpack_from("<I", after, 16) == (0x40C,)
    assert struct.unpack_from("<I", after, 20) == (18363,)
    assert struct.unpack_from("<H", after, 140) == (24,)
    assert struct.unpack_from("<H", after, 144)[0] & 2
    assert after[210] == 6
    assert struct.unpack_from("<HH", after, 8) == struct.unpack_from("<HH", before, 8)


def test_a_keyboard_that_nobody_chose_stays_as_the_browser_says() -> None:
    after = core_data(gcc.rewrite_core_data(BROWSER[0], 0))
    assert after[16:20] == core_data(BROWSER[0])[16:20]


def test_channels_are_known_by_name_and_id() -> None:
    assert gcc.channel_names(BROWSER[0]) == ["cliprdr", "drdynvc"]
    assert gcc.channel_ids(DESKTOP[0]) == [1004, 1005]


# -- Client Info ------------------------------------------------------------------------------


def signed_in() -> bytes:
    """Return the Client Info PDU that is sent to the desktop."""
    conversation = Conversation(Terms(LOGIN))
    for flow in recorded.replayed(conversation, RECORDS):
        for pdu in flow.to_desktop:
            if utf16(LOGIN.username) in pdu:
                return pdu
    raise AssertionError("nobody signed in")


def test_the_password_is_put_in_and_the_browsers_own_is_dropped() -> None:
    payload = mcs.parse_data(signed_in()).payload
    flags, *sizes = struct.unpack_from("<I5H", payload, 8)
    texts, place = [], 22
    for size in sizes:
        texts.append(payload[place : place + size].decode("utf-16-le"))
        place += size + 2
    assert texts == ["", "alice", "pässwörd", "", ""]
    assert flags & 0x8, "INFO_AUTOLOGON"
    assert not flags & 0x80, "INFO_COMPRESSION"


def test_the_password_goes_to_the_desktop_once_and_to_the_browser_never() -> None:
    conversation = Conversation(Terms(LOGIN))
    flows = list(recorded.replayed(conversation, RECORDS))
    up = b"".join(pdu for flow in flows for pdu in flow.to_desktop)
    down = b"".join(pdu for flow in flows for pdu in flow.to_browser)
    assert up.count(utf16(LOGIN.password)) == 1
    assert utf16(LOGIN.password) not in down
    assert LOGIN.password.encode() not in down


def test_a_login_does_not_show_its_password() -> None:
    assert LOGIN.password not in repr(Terms(LOGIN))


def test_nothing_passes_before_the_client_info() -> None:
    conversation = Conversation(Terms(LOGIN))
    joined = next(n for n, (_, data) in enumerate(RECORDS) if len(data) == CLIENT_INFO)
    list(recorded.replayed(conversation, RECORDS[:joined]))
    with pytest.raises(ProtocolError, match="before"):
        conversation.from_browser(mcs.data_pdu(mcs.SEND_DATA_REQUEST, 5, 1003, bytes(40)))
    with pytest.raises(
        ProtocolError, match="Fast-Path Input PDU has no place in the phase joining"
    ):
        conversation.from_browser(bytes.fromhex("04040160"))
