"""The administrator's manual describes the gateway correctly."""

import re
from pathlib import Path

from webapp.domain.connections.rules import END_WORDS, ConnectionEnd
from webapp.gateway.connection.closing import CLOSINGS

MANUAL = Path(__file__).resolve().parents[2] / "docs/admin/gateway.md"


def test_every_close_code_is_in_the_manual() -> None:
    documented = set(re.findall(r"^\| (\d{4}) \| `(\w+)` \|", MANUAL.read_text(), re.MULTILINE))
    assert documented == {(str(one.code), one.word) for one in CLOSINGS.values()}


def test_every_end_that_a_gateway_can_tell_has_a_close_code_and_words() -> None:
    assert set(ConnectionEnd) - set(CLOSINGS) == {ConnectionEnd.LOST}
    assert set(END_WORDS) == set(ConnectionEnd)
