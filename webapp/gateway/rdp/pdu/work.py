"""Counts the work for the bytes of one connection in steps, the same on every machine.

A step takes some microseconds: a PDU, a rectangle, a few input events. The parsers count steps,
and `Conversation` stops when a turn has used its steps, so that one connection cannot block the
event loop for the others. The steps of each parser are at most a constant for each input byte
(tests/gateway/rdp/test_work.py).
"""

STEPS_OF_A_TURN = 128
"""About half a millisecond; enough for 256 kB of an honest desktop's pictures."""
BYTES_OF_A_STEP = 8 << 10
"""Bytes copied in one step."""
MOST_OF_A_PDU = 1200
"""The most steps that one PDU may take; a PDU is never split over turns."""


class Work:
    """A counter of steps."""

    def __init__(self) -> None:
        self.steps = 0
        """Steps since the connection began."""
        self._enough = 0

    def begin_turn(self) -> None:
        self._enough = self.steps + STEPS_OF_A_TURN

    def spend(self, steps: int) -> None:
        self.steps += steps

    @property
    def is_enough(self) -> bool:
        """Whether the turn has used its steps."""
        return self.steps >= self._enough
