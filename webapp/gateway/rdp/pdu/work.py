"""How much work the bytes of one connection make: counted in steps, the same on every machine.

A step is what takes some microseconds: a PDU, a rectangle, a few input events. The parsers count
them, and `Conversation` stops when a turn has had enough, so that one connection cannot keep
the event loop from the others. Each parser's steps are bounded by a constant for each byte it is
given (tests/gateway/rdp/test_work.py).
"""

STEPS_OF_A_TURN = 128
"""About half a millisecond; 256 kB of an honest desktop's pictures fit."""
BYTES_OF_A_STEP = 8 << 10
"""Bytes that are only copied."""
MOST_OF_A_PDU = 1200
"""One PDU is never divided; this many steps it may make at most."""


class Work:
    """Counts."""

    def __init__(self) -> None:
        self.steps = 0
        """Since the beginning."""
        self._enough = 0

    def begin_turn(self) -> None:
        self._enough = self.steps + STEPS_OF_A_TURN

    def spend(self, steps: int) -> None:
        self.steps += steps

    @property
    def is_enough(self) -> bool:
        """Whether others should have a turn."""
        return self.steps >= self._enough
