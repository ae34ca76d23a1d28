"""What a conversation needs besides the bytes that come: a look at it, every so often.

Tiles that were drawn in part are asked for again once the screen rests, and a browser that draws
nothing is helped out with an acknowledgement (`rdp`). One timer for both, as each chunk of a busy
screen would pay for more.
"""

import asyncio
from collections.abc import Callable

from webapp.gateway.rdp import Conversation, Flow

LOOK_SECONDS = 0.4
"""A screen that did not change between two looks rests."""
_UNREST_LOOKS = 8
"""Partial tiles are drawn again after so many looks even if the screen never rests."""
_STALL_LOOKS = 8
"""A browser that has drawn nothing for so many is helped out."""


class Aftercare:
    """Looks as long as there is something to look after."""

    def __init__(self, conversation: Conversation, send: Callable[[Flow], None]) -> None:
        self.is_stirred = False
        """Set for every chunk from the desktop."""
        self._conversation = conversation
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        self._drawn = -1
        self._partial = self._stalled = 0

    @property
    def is_looking(self) -> bool:
        return self._timer is not None

    def begin(self) -> None:
        if self._timer is None and self._is_needed():
            self._again()

    def end(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _is_needed(self) -> bool:
        return self._conversation.has_partial_tiles or self._conversation.awaits_browser

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._mend()
        self._unstick()
        self._timer = None
        self.begin()

    def _mend(self) -> None:
        rests, self.is_stirred = not self.is_stirred, False
        self._partial = self._partial + 1 if self._conversation.has_partial_tiles else 0
        if self._partial and (rests or self._partial >= _UNREST_LOOKS):
            self._partial = 0
            self._send(self._conversation.refresh())

    def _unstick(self) -> None:
        drawn = self._conversation.acknowledged
        is_stuck = self._conversation.awaits_browser and drawn == self._drawn
        self._drawn = drawn
        self._stalled = self._stalled + 1 if is_stuck else 0
        if self._stalled >= _STALL_LOOKS:
            self._stalled = 0
            self._send(self._conversation.lend_acknowledgement())
