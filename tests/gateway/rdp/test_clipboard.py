"""The allowed clipboard directions apply to the page and to the desktop."""

import struct

import pytest

from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.clipboard import DROP, PASS, Opening, Rules, ahead_of, filters

FORMAT_LIST, LIST_RESPONSE, DATA_REQUEST, DATA_RESPONSE, CAPABILITIES = 2, 3, 4, 5, 7
FILE_REQUEST, FILE_RESPONSE, LOCK = 8, 9, 10
FIRST, LAST = 1, 2
BOTH, NONE = Rules(), Rules(into_desktop=False, out_of_desktop=False)
ONLY_IN, ONLY_OUT = Rules(out_of_desktop=False), Rules(into_desktop=False)


def chunk(kind: int, data: bytes = b"text", flags: int = FIRST | LAST) -> bytes:
    message = struct.pack("<HHI", kind, 0, len(data)) + data
    return struct.pack("<II", len(message), flags) + message


def chunks(kind: int, *pieces: bytes) -> list[bytes]:
    """A message whose data arrives in these pieces."""
    data = b"".join(pieces)
    head = struct.pack("<HHI", kind, 0, len(data))
    total = len(head) + len(data)
    last = len(pieces) - 1
    return [
        struct.pack("<II", total, FIRST * (n == 0) | LAST * (n == last)) + head * (n == 0) + piece
        for n, piece in enumerate(pieces)
    ]


def later(data: bytes, flags: int = 0) -> bytes:
    return struct.pack("<II", 5000, flags) + data


@pytest.mark.parametrize("kind", range(1, 12))
@pytest.mark.parametrize("side", [0, 1])
def test_everything_passes_when_both_directions_are_allowed(kind: int, side: int) -> None:
    assert filters(BOTH)[side].judge(chunk(kind)) == PASS


@pytest.mark.parametrize(
    ("rules", "side", "kind"),
    [
        (ONLY_OUT, 0, FORMAT_LIST),  # the page offers
        (ONLY_OUT, 0, DATA_RESPONSE),  # the page gives
        (ONLY_OUT, 0, FILE_RESPONSE),
        (ONLY_OUT, 1, DATA_REQUEST),  # the desktop asks
        (ONLY_OUT, 1, FILE_REQUEST),
        (ONLY_IN, 1, FORMAT_LIST),  # the desktop offers
        (ONLY_IN, 1, DATA_RESPONSE),  # the desktop gives
        (ONLY_IN, 1, FILE_RESPONSE),
        (ONLY_IN, 0, DATA_REQUEST),  # the page asks
        (ONLY_IN, 0, LOCK),
    ],
)
def test_a_forbidden_direction_passes_no_offer_no_data_and_no_request(
    rules: Rules, side: int, kind: int
) -> None:
    assert not filters(rules)[side].judge(chunk(kind)).passes
    assert not filters(NONE)[side].judge(chunk(kind)).passes


@pytest.mark.parametrize(
    ("rules", "side", "kind"),
    [
        (ONLY_IN, 0, FORMAT_LIST),
        (ONLY_IN, 0, DATA_RESPONSE),
        (ONLY_IN, 1, DATA_REQUEST),
        (ONLY_OUT, 1, FORMAT_LIST),
        (ONLY_OUT, 1, DATA_RESPONSE),
        (ONLY_OUT, 0, DATA_REQUEST),
        (NONE, 0, CAPABILITIES),
        (NONE, 1, LIST_RESPONSE),
    ],
)
def test_the_other_direction_and_the_set_up_still_work(rules: Rules, side: int, kind: int) -> None:
    assert filters(rules)[side].judge(chunk(kind)) == PASS


def test_who_is_refused_gets_the_answer_that_the_protocol_owes() -> None:
    page, desktop = filters(NONE)
    offer = page.judge(chunk(FORMAT_LIST)).answer
    request = desktop.judge(chunk(DATA_REQUEST)).answer
    assert offer is not None
    assert request is not None
    assert struct.unpack_from("<HH", offer, 8) == (LIST_RESPONSE, 1), "taken, as far as it knows"
    assert struct.unpack_from("<HH", request, 8) == (DATA_RESPONSE, 2), "there is nothing"
    assert struct.unpack_from("<II", offer) == (8, 0x13)


def test_all_chunks_of_a_refused_message_are_dropped() -> None:
    page, _ = filters(ONLY_OUT)
    first, *others = chunks(DATA_RESPONSE, b"x" * 1600, b"y" * 1600, b"z")
    assert not page.judge(first).passes
    assert [page.judge(one) for one in others] == [DROP, DROP]
    assert page.judge(chunk(CAPABILITIES)) == PASS, "the next message is judged anew"


def test_all_chunks_of_an_allowed_message_pass() -> None:
    page, _ = filters(ONLY_IN)
    message = chunks(DATA_RESPONSE, b"x" * 1600, b"y" * 1600, b"z")
    assert [page.judge(one) for one in message] == [PASS, PASS, PASS]


@pytest.mark.parametrize(
    ("sent", "trick"),
    [
        ([later(b"x" * 20)], "data without a beginning"),
        (
            [chunks(CAPABILITIES, b"x", b"y")[0], chunk(DATA_RESPONSE)],
            "a message inside another",
        ),
        ([chunk(DATA_RESPONSE, flags=FIRST | LAST | 0x200000)], "compressed"),
        ([struct.pack("<II", 8, FIRST | LAST) + b"\x07"], "a header cut in two"),
        ([b"\x01\x02"], "no chunk header"),
        ([struct.pack("<II", 8, FIRST | LAST | 0x40) + bytes([7, 0, 0, 0, 0, 0, 0, 0])], "a flag"),
        ([chunk(CAPABILITIES, flags=FIRST)], "an end that is not said"),
        ([chunk(CAPABILITIES)[:-1]], "a message shorter than its length"),
        ([chunk(CAPABILITIES) + b"\0"], "a message longer than its length"),
        ([chunk(0x102)], "a kind with bits that some would not look at"),
        ([chunk(12)], "an unknown kind"),
        ([*chunks(CAPABILITIES, b"x", b"y", b"z")[:1], later(b"y")], "another length later"),
        (
            [struct.pack("<II", 9, FIRST | LAST) + chunk(CAPABILITIES, b"")[8:] + b"x"],
            "a byte more",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("rules", [ONLY_OUT, BOTH], ids=["only out", "both"])
def test_tricks_to_get_around_the_rules_end_the_connection(
    sent: list[bytes], trick: str, rules: Rules
) -> None:
    page, _ = filters(rules)
    for one in sent[:-1]:
        page.judge(one)
    with pytest.raises(ProtocolError):
        page.judge(sent[-1])


# -- the first messages -----------------------------------------------------------------------


def response(flags: int) -> bytes:
    message = struct.pack("<HHI", LIST_RESPONSE, flags, 0)
    return struct.pack("<II", len(message), FIRST | LAST) + message


def test_the_desktop_s_offer_waits_for_its_answer_to_the_browser_s() -> None:
    opening = Opening()
    offer = [chunk(FORMAT_LIST, b"x" * 1600, FIRST), later(b"y", LAST)]
    assert opening.order(chunk(1)) == [chunk(1)], "monitor ready goes first"
    assert [opening.order(one) for one in offer] == [[], []]
    assert opening.order(response(1)) == [response(1), *offer]
    assert opening.order(chunk(FORMAT_LIST)) == [chunk(FORMAT_LIST)]


def test_of_several_offers_that_wait_the_newest_counts() -> None:
    opening = Opening()
    for text in (b"old", b"new"):
        opening.order(chunk(FORMAT_LIST, text))
    assert opening.order(response(1)) == [response(1), chunk(FORMAT_LIST, b"new")]


def test_a_refusal_of_the_browser_s_offer_becomes_a_yes() -> None:
    assert Opening().order(response(2)) == [response(1)]


def test_an_offer_without_end_ends_the_connection() -> None:
    opening = Opening()
    opening.order(chunk(FORMAT_LIST, flags=FIRST))
    for _ in range(3):
        opening.order(later(b"x" * 20_000))
    with pytest.raises(ProtocolError):
        opening.order(later(b"x" * 20_000))


def test_an_answer_without_data_goes_ahead_of_a_long_one_alone() -> None:
    long = [b"x" * 1600] * 30
    first, *others = chunks(DATA_RESPONSE, *long)
    message = struct.pack("<HHI", DATA_RESPONSE, 1, 0)
    assert ahead_of(first) == struct.pack("<II", len(message), 0x13) + message
    assert [ahead_of(other) for other in others] == [None] * 29
    assert ahead_of(chunks(FORMAT_LIST, *long)[0]) is None
    assert ahead_of(chunks(DATA_RESPONSE, *long[:20])[0]) is None
