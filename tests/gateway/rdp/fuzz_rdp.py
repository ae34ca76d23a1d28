"""A fuzz target for the gateway's parsers (atheris).

python -m tests.gateway.rdp.fuzz_rdp FOLDER tests/gateway/rdp/corpus -max_total_time=600
FOLDER keeps interesting inputs. Every input is a conversation: single bytes choose the side,
lengths,
and how much of a recording precedes it. The parsers may only raise ProtocolError, and their work
for
each byte must stay below a bound: in steps, and in processor time on a busy machine.
"""

import pickle
import sys
import time
from typing import cast

import atheris

with atheris.instrument_imports(include=["webapp.gateway"]):
    from webapp.gateway.connection.wire import ProtocolError
    from webapp.gateway.rdp.clipboard import Rules
    from webapp.gateway.rdp.conversation import Conversation
    from webapp.gateway.rdp.pdu import gcc, rdcleanpath, x224
    from webapp.gateway.rdp.pdu.client_info import Login
    from webapp.gateway.rdp.terms import Terms

from tests.gateway.rdp import recorded

RECORDS = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
STAGES = (0, 1, 2, 8, 10, len(RECORDS))
TERMS = (Terms(Login("a", "b")), Terms(Login("a", "b"), Rules(False, False)))
PIECE = 4096
STEPS_OF_A_BYTE = 1
SECONDS, SECONDS_OF_A_BYTE = 0.5, 1e-3
"""The first term covers the copy of a conversation, and other load on the machine."""
PREPARED: dict[tuple[int, bool], bytes] = {}


def prepared(stage: int, strict: bool) -> Conversation:
    """Copy a prepared conversation, because the recording takes longer than the rest."""
    if (stage, strict) not in PREPARED:
        conversation = Conversation(TERMS[strict])
        list(recorded.replayed(conversation, RECORDS[:stage]))
        PREPARED[stage, strict] = pickle.dumps(conversation)
    return cast(Conversation, pickle.loads(PREPARED[stage, strict]))


def one_input(data: bytes) -> None:
    """Run one conversation, or one message, within its time."""
    began = time.thread_time()
    parse(atheris.FuzzedDataProvider(data))
    took = time.thread_time() - began
    assert took < SECONDS + SECONDS_OF_A_BYTE * len(data), f"{took} s for {len(data)} bytes"


def parse(given: atheris.FuzzedDataProvider) -> None:
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
        pass  # the only exception that a parser may raise


def converse(given: atheris.FuzzedDataProvider) -> None:
    stage = STAGES[given.ConsumeIntInRange(0, len(STAGES) - 1)]
    conversation = prepared(stage, given.ConsumeBool())
    steps, size = conversation.work.steps, given.remaining_bytes()
    try:
        while given.remaining_bytes():
            take = recorded.from_browser if given.ConsumeBool() else recorded.from_desktop
            flow = take(conversation, given.ConsumeBytes(given.ConsumeIntInRange(1, PIECE)))
            assert sum(map(len, flow.to_browser + flow.to_desktop)) < 40 * PIECE
        conversation.refresh()
    finally:
        assert conversation.work.steps - steps <= STEPS_OF_A_BYTE * size + 10


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
