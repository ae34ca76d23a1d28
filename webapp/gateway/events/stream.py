"""One listener: the last state it was sent, and the events sent to it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from webapp.domain.connections.desktop_events import (
    DesktopEvent,
    DesktopSnapshot,
    Mark,
    changes,
    present,
)
from webapp.domain.states import State
from webapp.gateway.events.http_exchange import Exchange
from webapp.services.connections.event_feed import Subscription

HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would keep events back
}
KEEP_ALIVE_SECONDS = 15.0
RETRY_MS = 2000
"""How long clients wait before they reconnect (the `retry` field of SSE)."""


@dataclass
class Listener:
    """An open stream."""

    exchange: Exchange
    subscription: Subscription
    known: dict[str, Mark] = field(default_factory=dict)
    """The last state of each desktop that was sent to this listener."""
    spoke_at: float = 0.0

    def begin(self, sights: Sequence[DesktopSnapshot], resumed: Mark | None, now: float) -> bool:
        """Send the start of the stream and the current state; return whether the stream goes on."""
        self.exchange.send(f"retry: {RETRY_MS}\n\n".encode())
        if resumed:
            self.known[resumed.public_id] = resumed
        self.spoke_at = now
        return self.tell(sights, now)

    def tell(self, sights: Sequence[DesktopSnapshot], now: float) -> bool:
        """Send what has changed; return whether the stream goes on."""
        for sight in sights:
            known = self.known.get(sight.public_id)
            for event in changes(known, sight) if known else self._first(sight):
                self._send(event)
                self.spoke_at = now
        if self.subscription.public_id is None:
            return True
        return not any(one.state is State.ENDED for one in self.known.values())

    def keep_alive(self, now: float) -> None:
        """Send an SSE comment after a long silence, so that proxies and clients do not time out."""
        if now - self.spoke_at >= KEEP_ALIVE_SECONDS:
            self.exchange.send(b":\n\n")
            self.spoke_at = now

    def dismiss(self, reason: str) -> None:
        """Send a `closed` event with the reason and end the stream, although the desktop runs."""
        data = json.dumps({"reason": reason})
        self.exchange.send(f"event: closed\ndata: {data}\n\n".encode())
        self.exchange.end()

    def _first(self, sight: DesktopSnapshot) -> list[DesktopEvent]:
        """Return the events for a desktop's current state.

        A stream of all desktops omits those that ended before it began.
        """
        is_old = self.subscription.public_id is None and sight.state is State.ENDED
        return [] if is_old else present(sight)

    def _send(self, event: DesktopEvent) -> None:
        self.known[event.mark.public_id] = event.mark
        # A stream of all desktops has no single position to resume from: a client that reconnects
        # gets the current state.
        place = f"id: {event.mark}\n" if self.subscription.public_id else ""
        text = f"{place}event: {event.name}\ndata: {json.dumps(event.data)}\n\n"
        self.exchange.send(text.encode())
