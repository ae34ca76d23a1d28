"""What a conversation needs besides the bytes that come, and some time after them.

Tiles that were drawn in part are asked for again once the screen rests, and a browser that draws
nothing is helped out with an acknowledgement (`conversation`).
"""

import asyncio
from collections.abc import Callable

from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.flow import Flow

REST_SECONDS = 0.4
"""A screen that did not change for so long rests: partial tiles are drawn again."""
_UNREST_LOOKS = 8
"""Partial tiles are drawn again after so many times that, even if the screen never rests."""
STALL_SECONDS = 3.0
"""A browser that has drawn nothing for so long is helped out."""


class Aftercare:
    """Two timers, which run only while there is something to look after."""

    def __init__(self, conversation: Conversation, send: Callable[[Flow], None]) -> None:
        self._conversation = conversation
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._mending: asyncio.TimerHandle | None = None
        self._stalling: asyncio.TimerHandle | None = None
        self._is_stirred = False
        self._unrest = 0

    def came(self) -> None:
        """Something came from the desktop."""
        self._is_stirred = True
        if self._mending is None and self._conversation.has_partial_tiles:
            self._is_stirred, self._unrest = False, 0
            self._mending = self._loop.call_later(REST_SECONDS, self._mend)
        if self._stalling is None and self._conversation.awaits_browser:
            self._watch_browser()

    def end(self) -> None:
        for timer in (self._mending, self._stalling):
            if timer:
                timer.cancel()

    def _mend(self) -> None:
        """Have partial tiles drawn again, or wait for the screen to rest."""
        self._unrest += 1
        if self._is_stirred and self._unrest < _UNREST_LOOKS:
            self._is_stirred = False
            self._mending = self._loop.call_later(REST_SECONDS, self._mend)
            return
        self._mending = None
        self._send(self._conversation.refresh())

    def _watch_browser(self) -> None:
        drawn = self._conversation.acknowledged
        self._stalling = self._loop.call_later(STALL_SECONDS, self._check_browser, drawn)

    def _check_browser(self, drawn: int) -> None:
        """Acknowledge a frame in the browser's place if it has drawn none since the last look."""
        self._stalling = None
        if not self._conversation.awaits_browser:
            return
        if self._conversation.acknowledged == drawn:
            self._send(self._conversation.lend_acknowledgement())
        self._watch_browser()
