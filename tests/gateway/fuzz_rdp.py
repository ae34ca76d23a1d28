"""A fuzz target for the gateway's parsers (atheris).

    python -m tests.gateway.fuzz_rdp FOLDER -max_total_time=600

FOLDER keeps what was found interesting. Every input is a conversation: single bytes choose the
side, lengths and how much of a recording went before. Only ProtocolError may come out.
"""

import sys

import atheris

with atheris.instrument_imports(include=["webapp.gateway"]):
    from webapp.gateway import gcc, rdcleanpath, x224
    from webapp.gateway.client_info import Login
    from webapp.gateway.clipboard import Rules
    from webapp.gateway.rdp import Conversation
    from webapp.gateway.terms import Terms
    from webapp.gateway.wire import ProtocolError

from tests.gateway import recorded

RECORDS = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
STAGES = (0, 1, 2, 8, 10, len(RECORDS))
TERMS = (Terms(Login("a", "b")), Terms(Login("a", "b"), Rules(False, False)))
PIECE = 4096


def prepared(stage: int, strict: bool) -> Conversation:
    conversation = Conversation(TERMS[strict])
    list(recorded.replayed(conversation, RECORDS[:stage]))
    return conversation


def one_input(data: bytes) -> None:
    """One conversation."""
    given = atheris.FuzzedDataProvider(data)
    kind = given.ConsumeIntInRange(0, 7)
    try:
        if kind == 0:
            rdcleanpath.parse_request(given.ConsumeBytes(PIECE))
        elif kind == 1:
            x224.check_request(given.ConsumeBytes(PIECE))
        elif kind == 2:
            x224.check_confirm(given.ConsumeBytes(PIECE))
        elif kind == 3:
            gcc.channel_ids(given.ConsumeBytes(PIECE))
        else:
            converse(given)
    except ProtocolError:
        pass  # what a parser may say


def converse(given: atheris.FuzzedDataProvider) -> None:
    stage = STAGES[given.ConsumeIntInRange(0, len(STAGES) - 1)]
    conversation = prepared(stage, given.ConsumeBool())
    while given.remaining_bytes():
        take = conversation.from_browser if given.ConsumeBool() else conversation.from_desktop
        flow = take(given.ConsumeBytes(given.ConsumeIntInRange(1, PIECE)))
        assert sum(map(len, flow.to_browser + flow.to_desktop)) < 40 * PIECE
    conversation.refresh()


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
