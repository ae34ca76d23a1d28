"""The order of PDUs: each kind in each phase, as the table says, on bytes of a real xrdp.

What is refused is tried at every moment of the recording at which the phase holds; what passes
must pass at one of them, because a PDU has to fit those before it as well.
"""

import functools
import pickle
import struct
from collections.abc import Iterator
from typing import cast

import pytest

from tests.gateway.rdp import recorded
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp import browser_side, desktop_side
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.pdu import mcs
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.pdu.framing import Splitter
from webapp.gateway.rdp.sequence import (
    SIGNED_IN,
    TABLE,
    FromBrowser,
    FromDesktop,
    Phase,
)
from webapp.gateway.rdp.terms import Terms

Kind = FromBrowser | FromDesktop
Packets = list[tuple[int, bytes]]
IO, CLIPBOARD, DYNAMIC = 1003, 1004, 1005
GOOD_BYE = bytes.fromhex("0300000902f0802180")
REASON = r"no place|before|unknown user|nobody joined|something else"
CAPABILITIES = struct.pack("<II", 24, 3) + struct.pack("<HHI", 7, 0, 16) + bytes(16)


def split(records: Packets) -> Iterator[tuple[int, bytes]]:
    """The PDUs of a recording, in order."""
    splitters = {side: Splitter() for side in (recorded.FROM_DESKTOP, recorded.FROM_BROWSER)}
    for side, data in records:
        for pdu in splitters[side].feed(data):
            yield side, pdu


def without_repeated_pictures(packets: Packets) -> Packets:
    """One fast-path PDU of a row of them: the others lead to no other phase."""
    return [
        one
        for before, one in zip([(2, b""), *packets], packets, strict=False)
        if one[1][0] == 3 or before[0] != one[0] or before[1][0] == 3
    ]


RECORDING = without_repeated_pictures(list(split(recorded.read("xfce-with-resize"))))
OTHER_CHANNEL = [(side, pdu.replace(b"drdynvc\0", b"rdpdr\0\0\0")) for side, pdu in RECORDING]


def up(channel: int, payload: bytes) -> bytes:
    return mcs.data_pdu(mcs.SEND_DATA_REQUEST, 5, channel, payload)


def down(channel: int, payload: bytes) -> bytes:
    return mcs.data_pdu(mcs.SEND_DATA_INDICATION, 5, channel, payload)


def browsers(start: str, number: int = 0) -> bytes:
    """A PDU that the recorded browser sent, by how it goes on after the X.224 header."""
    found = [p for side, p in RECORDING if side == 1 and p[7:].startswith(bytes.fromhex(start))]
    return found[number]


def desktops(start: str) -> bytes:
    return next(p for side, p in RECORDING if side == 0 and p[7:].startswith(bytes.fromhex(start)))


def share_pdu(side: int, kind: str) -> bytes:
    """A recorded share PDU, by pduType and, for data, pduType2."""
    pdus = [
        p
        for way, p in RECORDING
        if way == side and p[0] == 3 and p[7] in (mcs.SEND_DATA_REQUEST, mcs.SEND_DATA_INDICATION)
    ]
    for pdu in pdus:
        payload = mcs.parse_data(pdu).payload
        if payload[2:3].hex() + (payload[14:15].hex() if payload[2] == 0x17 else "") == kind:
            return pdu
    raise LookupError(kind)


BROWSER_PDUS: dict[FromBrowser, list[bytes]] = {
    FromBrowser.CONNECT_INITIAL: [browsers("7f65")],
    FromBrowser.ERECT_DOMAIN: [browsers("04")],
    FromBrowser.ATTACH_USER: [browsers("28")],
    FromBrowser.JOIN: [browsers("38", n) for n in range(4)],
    FromBrowser.CLIENT_INFO: [next(p for s, p in RECORDING if s == 1 and len(p) == 321)],
    FromBrowser.LICENSE: [next(p for s, p in RECORDING if s == 1 and len(p) == 164)],
    FromBrowser.CONFIRM_ACTIVE: [share_pdu(1, "13")],
    FromBrowser.SHARE_DATA: [share_pdu(1, "171f"), share_pdu(1, "1727")],
    FromBrowser.INPUT: [bytes.fromhex("0404001e"), bytes.fromhex("040360")],
    FromBrowser.CLIPBOARD: [up(CLIPBOARD, CAPABILITIES)],
    FromBrowser.DYNAMIC_CHANNEL: [up(DYNAMIC, bytes.fromhex("040000000300000050000200"))],
    FromBrowser.OTHER_CHANNEL: [up(DYNAMIC, bytes(20))],
    FromBrowser.DISCONNECT: [GOOD_BYE],
}
DESKTOP_PDUS: dict[FromDesktop, list[bytes]] = {
    FromDesktop.CONNECT_RESPONSE: [desktops("7f66")],
    FromDesktop.ATTACH_CONFIRM: [desktops("2e")],
    FromDesktop.JOIN_CONFIRM: [p for s, p in RECORDING if s == 0 and p[7:8] == b">"],
    FromDesktop.LICENSE: [next(p for s, p in RECORDING if s == 0 and len(p) == 337)],
    FromDesktop.DEMAND_ACTIVE: [share_pdu(0, "11")],
    FromDesktop.DEACTIVATE_ALL: [share_pdu(0, "16")],
    FromDesktop.FONT_MAP: [share_pdu(0, "1728")],
    FromDesktop.SHARE_DATA: [share_pdu(0, "171f"), share_pdu(0, "1714")],
    FromDesktop.UPDATE: [bytes.fromhex("0005050000")],
    FromDesktop.CLIPBOARD: [down(CLIPBOARD, CAPABILITIES)],
    FromDesktop.DYNAMIC_CHANNEL: [
        down(DYNAMIC, bytes.fromhex("0c00000003000000500002000000000000000000"))
    ],
    FromDesktop.OTHER_CHANNEL: [down(DYNAMIC, bytes(20))],
    FromDesktop.DISCONNECT: [GOOD_BYE],
}
OF_SIGN_IN = {
    FromBrowser.CONNECT_INITIAL,
    FromBrowser.ERECT_DOMAIN,
    FromBrowser.ATTACH_USER,
    FromBrowser.JOIN,
    FromBrowser.CLIENT_INFO,
    FromBrowser.DISCONNECT,
    FromDesktop.CONNECT_RESPONSE,
    FromDesktop.ATTACH_CONFIRM,
    FromDesktop.JOIN_CONFIRM,
    FromDesktop.DISCONNECT,
}


@functools.cache
def moments(is_other_channel: bool) -> dict[Phase, list[bytes]]:
    """Copies of a conversation at each moment of the recording, by phase."""
    conversation = Conversation(Terms(Login("a", "b")))
    found: dict[Phase, list[bytes]] = {phase: [] for phase in Phase}
    found[conversation.phase].append(pickle.dumps(conversation))
    for side, pdu in OTHER_CHANNEL if is_other_channel else RECORDING:
        give(conversation, side, pdu)
        found[conversation.phase].append(pickle.dumps(conversation))
    return found


def give(conversation: Conversation, side: int, pdu: bytes) -> None:
    take = recorded.from_browser if side == recorded.FROM_BROWSER else recorded.from_desktop
    take(conversation, pdu)


def tries(phase: Phase, kind: Kind) -> Iterator[tuple[Conversation, int, bytes]]:
    """Conversations in that phase, each with a PDU of that kind to give to it."""
    if isinstance(kind, FromBrowser):
        side, pdus = recorded.FROM_BROWSER, BROWSER_PDUS[kind]
    else:
        side, pdus = recorded.FROM_DESKTOP, DESKTOP_PDUS[kind]
    for copy in moments(kind in (FromBrowser.OTHER_CHANNEL, FromDesktop.OTHER_CHANNEL))[phase]:
        for pdu in pdus:
            yield cast(Conversation, pickle.loads(copy)), side, pdu


ALLOWED: list[tuple[Phase, Kind, Phase]] = [
    (phase, kind, after)
    for phase, row in TABLE.items()
    for kind, after in (*row.browser.items(), *row.desktop.items())
]
REFUSED: list[tuple[Phase, Kind]] = [
    (phase, kind)
    for phase, row in TABLE.items()
    for kinds, pdus in ((FromBrowser, row.browser), (FromDesktop, row.desktop))
    for kind in kinds
    if kind not in pdus
]


def named(value: object) -> str | None:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Kind | Phase) else None


@pytest.mark.parametrize(("phase", "kind"), REFUSED, ids=named)
def test_a_pdu_in_the_wrong_phase_ends_the_connection(phase: Phase, kind: Kind) -> None:
    count = 0
    for conversation, side, pdu in tries(phase, kind):
        with pytest.raises(ProtocolError, match=REASON):
            give(conversation, side, pdu)
        assert conversation.phase is phase
        count += 1
    assert count


@pytest.mark.parametrize(("phase", "kind", "after"), ALLOWED, ids=named)
def test_a_pdu_in_its_phase_leads_to_the_next(phase: Phase, kind: Kind, after: Phase) -> None:
    reached = set()
    for conversation, side, pdu in tries(phase, kind):
        try:
            give(conversation, side, pdu)
        except ProtocolError:
            continue  # it does not fit those before it: a channel is joined once
        reached.add(conversation.phase)
    assert reached == {after}


def test_a_recorded_connection_goes_through_the_phases() -> None:
    conversation = Conversation(Terms(Login("a", "b")))
    passed = [conversation.phase]
    for side, pdu in RECORDING:
        give(conversation, side, pdu)
        if conversation.phase is not passed[-1]:
            passed.append(conversation.phase)
    assert passed == [*Phase, Phase.ACTIVATING, Phase.ACTIVE]


def test_nothing_but_the_set_up_passes_before_the_sign_in() -> None:
    for phase in set(Phase) - SIGNED_IN:
        assert {*TABLE[phase].browser, *TABLE[phase].desktop} <= OF_SIGN_IN


def test_nobody_signs_in_twice() -> None:
    """The real password goes to the desktop in one PDU."""
    leaving = [phase for phase, row in TABLE.items() if FromBrowser.CLIENT_INFO in row.browser]
    assert leaving == [Phase.JOINING]
    for phase in SIGNED_IN:
        assert {*TABLE[phase].browser.values(), *TABLE[phase].desktop.values()} <= SIGNED_IN


def test_every_kind_has_a_place_and_is_handled() -> None:
    assert {kind for row in TABLE.values() for kind in row.browser} == set(FromBrowser)
    assert {kind for row in TABLE.values() for kind in row.desktop} == set(FromDesktop)
    assert set(browser_side.HANDLERS) == set(FromBrowser) - {FromBrowser.INPUT}
    assert set(desktop_side.HANDLERS) == set(FromDesktop) - {FromDesktop.UPDATE}


def test_the_sign_in_waits_for_the_joins() -> None:
    """xrdp would take the Client Info PDU earlier; what is joined later has no known name yet."""
    joins = [n for n, (_, pdu) in enumerate(RECORDING) if pdu[0] == 3 and pdu[7] == 0x3E]
    conversation = Conversation(Terms(Login("a", "b")))
    for side, pdu in RECORDING[: joins[-1]]:
        give(conversation, side, pdu)
    with pytest.raises(ProtocolError, match="before the join of"):
        give(conversation, recorded.FROM_BROWSER, BROWSER_PDUS[FromBrowser.CLIENT_INFO][0])
