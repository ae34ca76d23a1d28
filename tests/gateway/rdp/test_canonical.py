"""Only unambiguous messages pass: none that two parsers could read differently.

The desktop behaves like xrdp, which ignores padding bits, the end mark of X.224, priorities and
unknown flags; the browser may send anything.
"""

import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.gateway.rdp import recorded
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.clipboard import Rules
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.pdu import mcs
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.terms import Terms

RECORDS = recorded.read("xfce-with-resize")
NOTHING_PASSES = Rules(into_desktop=False, out_of_desktop=False)
CLIPBOARD, DYNAMIC, IO = 1004, 1005, 1003
FORMAT_LIST, DATA_REQUEST, DATA_RESPONSE, FILE_RESPONSE = 2, 4, 5, 9
FORBIDDEN = {FORMAT_LIST, DATA_REQUEST, DATA_RESPONSE, 8, FILE_RESPONSE, 10, 11}
SECRET = b"s3cret" * 4
FROM_BROWSER, FROM_DESKTOP = mcs.SEND_DATA_REQUEST, mcs.SEND_DATA_INDICATION
SIDES = pytest.mark.parametrize("kind", [FROM_BROWSER, FROM_DESKTOP], ids=["browser", "desktop"])


def activated(rules: Rules = NOTHING_PASSES) -> Conversation:
    """A conversation that has processed the whole recording."""
    conversation = Conversation(Terms(Login("a", "b"), rules))
    list(recorded.replayed(conversation, RECORDS))
    return conversation


def passed(conversation: Conversation, kind: int, data: bytes) -> bytes:
    """Return what is forwarded of the bytes from `kind`'s side. Raises ProtocolError."""
    if kind == FROM_BROWSER:
        return b"".join(recorded.from_browser(conversation, data).to_desktop)
    return b"".join(recorded.from_desktop(conversation, data).to_browser)


def message(kind: int, data: bytes = SECRET, flags: int = 3) -> bytes:
    body = struct.pack("<HHI", kind, 1, len(data)) + data
    return struct.pack("<II", len(body), flags) + body


def packet(kind: int, payload: bytes, channel: int = CLIPBOARD) -> bytes:
    return mcs.data_pdu(kind, 5, channel, payload)


def changed(pdu: bytes, place: int, value: int) -> bytes:
    return pdu[:place] + bytes([value]) + pdu[place + 1 :]


# -- a lenient receiver ----------------------------------------------------------------------


def lenient_messages(stream: bytes) -> Iterator[int]:
    """Yield the clipboard messages that a lenient parser finds: any padding, flags, end marks."""
    place = 0
    while place + 4 <= len(stream):
        if stream[place] & 3 == 0:
            long = stream[place + 1] & 0x80
            size = (
                (stream[place + 1] & 0x7F) << 8 | stream[place + 2] if long else stream[place + 1]
            )
        else:
            size = struct.unpack_from(">H", stream, place + 2)[0]
            yield from lenient_message(stream[place + 4 : place + size])
        place += max(size, 1)


def lenient_message(tpdu: bytes) -> Iterator[int]:
    if len(tpdu) < 12 or tpdu[3] >> 2 not in (25, 26):
        return
    if struct.unpack_from(">H", tpdu, 6)[0] != CLIPBOARD:
        return
    header = 10 if tpdu[9] & 0x80 else 9
    payload = tpdu[header + (tpdu[9] & 0x80 > 0) :] if header == 10 else tpdu[10:]
    if len(payload) >= 10 and payload[4] & 1:
        yield struct.unpack_from("<H", payload, 8)[0] & 0xFF


@given(
    st.sampled_from([FROM_BROWSER, FROM_DESKTOP]),
    st.sampled_from([FORMAT_LIST, DATA_REQUEST, DATA_RESPONSE, FILE_RESPONSE]),
    st.lists(st.tuples(st.integers(0, 26), st.integers(0, 7)), min_size=1, max_size=3),
)
@example(FROM_BROWSER, DATA_RESPONSE, [(7, 0)])  # 0x65 for 0x64
@example(FROM_BROWSER, DATA_RESPONSE, [(6, 7)])  # the TSDU does not end
@example(FROM_DESKTOP, FORMAT_LIST, [(7, 1)])
def test_bits_that_are_turned_let_nothing_forbidden_through(
    side: int, kind: int, bits: list[tuple[int, int]]
) -> None:
    pdu = packet(side, message(kind))
    for place, bit in bits:
        pdu = changed(pdu, place, pdu[place] ^ 1 << bit)
    try:
        out = passed(activated(), side, pdu)
    except ProtocolError:
        return
    assert SECRET not in out or kind_of_packet(pdu) not in FORBIDDEN
    assert not FORBIDDEN.intersection(lenient_messages(out))


def kind_of_packet(pdu: bytes) -> int:
    return pdu[pdu.index(SECRET) - 8]


@given(
    st.sampled_from([FROM_BROWSER, FROM_DESKTOP]),
    st.lists(st.tuples(st.integers(0, 80), st.binary(max_size=6), st.integers(0, 6)), max_size=3),
    st.booleans(),
)
def test_bytes_that_are_put_in_or_cut_out_let_nothing_forbidden_through(
    side: int, edits: list[tuple[int, bytes, int]], is_first_allowed: bool
) -> None:
    stream = packet(side, message(7, bytes(16))) if is_first_allowed else b""
    stream += packet(side, message(DATA_RESPONSE)) * 2
    for place, new, cut in edits:
        stream = stream[:place] + new + stream[place + cut :]
    try:
        out = passed(activated(), side, stream)
    except ProtocolError:
        return
    assert not FORBIDDEN.intersection(lenient_messages(out))


# -- every other encoding ---------------------------------------------------------------------

GOOD = message(7, bytes(16))
"""Return the clipboard message with capabilities, which is always allowed."""
X224_END, MCS_KIND, PRIORITY, LENGTH = 6, 7, 12, 13


def altered(kind: int, place: int, value: int) -> bytes:
    return changed(packet(kind, GOOD), place, value)


def tpkt(body: bytes) -> bytes:
    return struct.pack(">BBH", 3, 0, len(body) + 4) + body


def long_form(kind: int) -> bytes:
    """Return the PDU with its length in two bytes where one is sufficient."""
    head = struct.pack(">BHHBBB", kind, 5, CLIPBOARD, 0x70, 0x80, len(GOOD))
    return tpkt(b"\x02\xf0\x80" + head + GOOD)


Make = Callable[[int], bytes]
STRANGE: dict[str, Make] = {
    "a reserved byte of TPKT": lambda kind: altered(kind, 1, 1),
    "X.224 without its end": lambda kind: altered(kind, X224_END, 0),
    "an X.224 header of another length": lambda kind: altered(kind, 4, 3),
    "an X.224 disconnect": lambda _: tpkt(b"\x06\x80\0\0\0\0\0"),
    "padding in the MCS choice": lambda kind: altered(kind, MCS_KIND, kind | 1),
    "both bits of padding": lambda kind: altered(kind, MCS_KIND, kind | 3),
    "an unknown MCS choice": lambda kind: altered(kind, MCS_KIND, 0x70),
    "the other side's MCS choice": lambda kind: altered(kind, MCS_KIND, kind ^ 0x0C),
    "an MCS segment that begins": lambda kind: altered(kind, PRIORITY, 0x60),
    "an MCS segment that ends": lambda kind: altered(kind, PRIORITY, 0x50),
    "another priority": lambda kind: altered(kind, PRIORITY, 0xF0),
    "a length in too many bytes": long_form,
    "a fragmented length": lambda kind: altered(kind, LENGTH, 0xC1),
    "a byte after the data": lambda kind: tpkt(packet(kind, GOOD)[4:] + b"\0"),
    "another user": lambda kind: mcs.data_pdu(kind, 6, CLIPBOARD, GOOD),
    "an unknown channel": lambda kind: packet(kind, GOOD, 1999),
    "the user's own channel": lambda kind: packet(kind, GOOD, 1006),
    "a compressed chunk": lambda kind: packet(kind, message(7, bytes(16), 0x200003)),
    "a chunk with an unknown flag": lambda kind: packet(kind, message(7, bytes(16), 0x43)),
    "a chunk that never began": lambda kind: packet(kind, message(7, bytes(16), 2)),
    "a chunk without data": lambda kind: packet(kind, struct.pack("<II", 0, 3)),
    "a clipboard kind with high bits": lambda kind: packet(kind, message(0x0105)),
    "a dynamic message in pieces": lambda kind: packet(
        kind, struct.pack("<II", 20, 1) + b"\x30\x01" + bytes(8), DYNAMIC
    ),
    "compressed dynamic data": lambda kind: packet(
        kind, struct.pack("<II", 6, 3) + b"\x70\x01" + bytes(4), DYNAMIC
    ),
    "a dynamic channel that is not open": lambda kind: packet(
        kind, struct.pack("<II", 6, 3) + b"\x30\x07" + bytes(4), DYNAMIC
    ),
    "a dynamic id that is too long": lambda kind: packet(
        kind, struct.pack("<II", 7, 3) + b"\x31\x01\x00" + bytes(4), DYNAMIC
    ),
    "unknown data on an open dynamic channel": lambda kind: packet(
        kind, struct.pack("<II", 26, 3) + b"\x30\x01" + SECRET, DYNAMIC
    ),
    "two share PDUs in one payload": lambda kind: packet(
        kind, bytes.fromhex("16001700ee03ea030100000104001f0000000100ee03") * 2, IO
    ),
    "a compressed share PDU": lambda kind: packet(
        kind, bytes.fromhex("16001700ee03ea030100000104001f2000000100ee03"), IO
    ),
    "an unknown share PDU": lambda kind: packet(
        kind, bytes.fromhex("16001700ee03ea03010000010400990000000100ee03"), IO
    ),
    "a redirection": lambda kind: packet(kind, bytes.fromhex("08001a00ee030000"), IO),
    "a second attach": lambda kind: tpkt(
        bytes.fromhex("02f08028" if kind == FROM_BROWSER else "02f0802e000006")
    ),
    "a late join": lambda kind: tpkt(
        bytes.fromhex("02f08038000503ef" if kind == FROM_BROWSER else "02f0803e00000503ef03ef")
    ),
    "an unusual good-bye": lambda _: bytes.fromhex("0300000902f08021ff"),
    "an encrypted fast-path PDU": lambda _: bytes.fromhex("8404001e"),
    "bytes after the last event or update": lambda kind: bytes.fromhex(
        "0405001e00" if kind == FROM_BROWSER else "000605000000"
    ),
    "a fast-path PDU that is cut short": lambda kind: bytes.fromhex(
        "080500001e" if kind == FROM_BROWSER else "0006050200ff"
    ),
    "a compressed update": lambda kind: bytes.fromhex(
        "0404e01e" if kind == FROM_BROWSER else "000685000000"
    ),
}


@SIDES
@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE.keys())
@pytest.mark.parametrize("rules", [Rules(), NOTHING_PASSES], ids=["allowed", "forbidden"])
def test_another_encoding_ends_the_connection(kind: int, strange: Make, rules: Rules) -> None:
    conversation = activated(rules)
    with pytest.raises(ProtocolError, match=r"\w+ \w+"):
        passed(conversation, kind, strange(kind))


@SIDES
def test_the_one_encoding_passes(kind: int) -> None:
    pdu = packet(kind, GOOD)
    assert passed(activated(), kind, pdu) == pdu


# -- while the connection is set up -----------------------------------------------------------


def stage(length: int) -> list[tuple[int, bytes]]:
    """Return the recording before its first record of this length."""
    return RECORDS[: next(n for n, (_, data) in enumerate(RECORDS) if len(data) == length)]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"drdynvc\0", b"cliprdr\0", "two static channels"),
        (b"drdynvc\0", b"CLIPRDR\0", "not plain"),
        (b"drdynvc\0", b"clip\0dr\0", "not plain"),
        (b"\x02\xc0\x0c\x00", b"\x03\xc0\x0c\x00", "there twice"),
        (b"\x02\xc0\x0c\x00", b"\x06\xc0\x0c\x00", "not carried"),
        (b"\x02\xc0\x0c\x00", b"\x02\xc0\x08\x00", "block"),
    ],
)
def test_a_connect_initial_that_can_be_read_in_two_ways(old: bytes, new: bytes, why: str) -> None:
    pdu = RECORDS[0][1]
    assert old in pdu
    with pytest.raises(ProtocolError, match=why):
        Conversation(Terms(Login("a", "b"))).from_browser(pdu.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ec03ed03", "ec03ec03"),  # two channels with the same id
        ("ec03ed03", "eb03ed03"),  # the clipboard on the I/O channel
        ("eb030200ec03ed03", "ea030200ec03ed03"),  # another I/O channel
        ("eb030200ec03ed03", "eb030100ec030000"),  # fewer than requested
    ],
)
def test_a_connect_response_that_mixes_channels_up(old: str, new: str) -> None:
    conversation = Conversation(Terms(Login("a", "b")))
    conversation.from_browser(RECORDS[0][1])
    pdu = RECORDS[1][1]
    assert bytes.fromhex(old) in pdu
    with pytest.raises(ProtocolError):
        conversation.from_desktop(pdu.replace(bytes.fromhex(old), bytes.fromhex(new)))


def test_a_user_with_the_id_of_the_clipboard() -> None:
    conversation = Conversation(Terms(Login("a", "b")))
    list(recorded.replayed(conversation, stage(11)))
    with pytest.raises(ProtocolError, match="id of a channel"):
        conversation.from_desktop(bytes.fromhex("0300000b02f0802e000003"))


# -- dynamic channels -------------------------------------------------------------------------


def test_other_dynamic_channels_are_refused_in_the_browsers_place() -> None:
    conversation = activated(Rules())
    offer = b"\x10\x02" + b"Microsoft::Windows::RDS::Clipboard\0"
    chunk = struct.pack("<II", len(offer), 3) + offer
    flow = conversation.from_desktop(packet(FROM_DESKTOP, chunk, DYNAMIC))
    assert flow.to_browser == []
    (answer,) = flow.to_desktop
    data = mcs.parse_data(answer)
    assert data.channel == DYNAMIC
    assert data.payload[8:] == b"\x10\x02" + struct.pack("<I", 0xC0000001)
    late = struct.pack("<II", 26, 3) + b"\x30\x02" + SECRET
    with pytest.raises(ProtocolError, match="not open"):
        conversation.from_desktop(packet(FROM_DESKTOP, late, DYNAMIC))
