"""The timers of a conversation, for work that no received bytes trigger.

Tiles that were drawn in part are requested again once the screen is still. If a browser draws
nothing, a frame is acknowledged in its place (`conversation`).
"""

import asyncio
from collections.abc import Callable

from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.flow import Flow

QUIET_SECONDS = 0.4
"""A screen without changes for this long is still: its partial tiles are requested again."""
_MOST_POSTPONED = 8
"""After this many times QUIET_SECONDS partial tiles are requested even if the screen changes."""
STALL_SECONDS = 3.0
"""After this long without a drawn frame, one is acknowledged in place of the browser."""


class RepairTimers:
    """Two timers, which run only while there is a tile to repair or a frame to acknowledge."""

    def __init__(self, conversation: Conversation, send: Callable[[Flow], None]) -> None:
        self._conversation = conversation
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._mending: asyncio.TimerHandle | None = None
        self._stalling: asyncio.TimerHandle | None = None
        self._is_stirred = False
        self._unrest = 0

    def came(self) -> None:
        """Start the timers that are needed after data from the desktop."""
        self._is_stirred = True
        if self._mending is None and self._conversation.has_partial_tiles:
            self._is_stirred, self._unrest = False, 0
            self._mending = self._loop.call_later(QUIET_SECONDS, self._repaint)
        if self._stalling is None and self._conversation.awaits_browser:
            self._watch_browser()

    def end(self) -> None:
        for timer in (self._mending, self._stalling):
            if timer:
                timer.cancel()

    def _repaint(self) -> None:
        """Request partial tiles again, or wait longer if the screen has changed."""
        self._unrest += 1
        if self._is_stirred and self._unrest < _MOST_POSTPONED:
            self._is_stirred = False
            self._mending = self._loop.call_later(QUIET_SECONDS, self._repaint)
            return
        self._mending = None
        self._send(self._conversation.refresh())

    def _watch_browser(self) -> None:
        drawn = self._conversation.acknowledged
        self._stalling = self._loop.call_later(STALL_SECONDS, self._check_browser, drawn)

    def _check_browser(self, drawn: int) -> None:
        """Acknowledge a frame in place of the browser if it has drawn none since the last check."""
        self._stalling = None
        if not self._conversation.awaits_browser:
            return
        if self._conversation.acknowledged == drawn:
            self._send(self._conversation.lend_acknowledgement())
        self._watch_browser()
