"""One listener: what it was told last, and the events that go to it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from webapp.domain.connections.desktop_events import (
    Mark,
    SessionEvent,
    SessionSight,
    changes,
    present,
)
from webapp.domain.states import State
from webapp.gateway.events.http_exchange import Exchange
from webapp.services.connections.event_feed import Wish

HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would keep events back
}
KEEP_ALIVE_SECONDS = 15.0
RETRY_MS = 2000
"""So soon may a program whose stream broke come back."""


@dataclass
class Listener:
    """An open stream."""

    exchange: Exchange
    wish: Wish
    known: dict[str, Mark] = field(default_factory=dict)
    """What it knows of each desktop."""
    spoke_at: float = 0.0

    def begin(self, sights: Sequence[SessionSight], resumed: Mark | None, now: float) -> bool:
        """The head of the stream and the present; whether the stream goes on."""
        self.exchange.send(f"retry: {RETRY_MS}\n\n".encode())
        if resumed:
            self.known[resumed.public_id] = resumed
        self.spoke_at = now
        return self.tell(sights, now)

    def tell(self, sights: Sequence[SessionSight], now: float) -> bool:
        """What happened since; whether the stream goes on."""
        for sight in sights:
            known = self.known.get(sight.public_id)
            for event in changes(known, sight) if known else self._first(sight):
                self._send(event)
                self.spoke_at = now
        if self.wish.public_id is None:
            return True
        return not any(one.state is State.ENDED for one in self.known.values())

    def keep_alive(self, now: float) -> None:
        """A comment, when nothing was said for long: proxies and peers see that we live."""
        if now - self.spoke_at >= KEEP_ALIVE_SECONDS:
            self.exchange.send(b":\n\n")
            self.spoke_at = now

    def dismiss(self, reason: str) -> None:
        """The stream ends although the desktop has not."""
        data = json.dumps({"reason": reason})
        self.exchange.send(f"event: closed\ndata: {data}\n\n".encode())
        self.exchange.end()

    def _first(self, sight: SessionSight) -> list[SessionEvent]:
        """The present; one that ended before anybody listened is no news among all of one's own."""
        is_old = self.wish.public_id is None and sight.state is State.ENDED
        return [] if is_old else present(sight)

    def _send(self, event: SessionEvent) -> None:
        self.known[event.mark.public_id] = event.mark
        # Of all of one's own there is no one place to go on from: who comes back hears the present.
        place = f"id: {event.mark}\n" if self.wish.public_id else ""
        text = f"{place}event: {event.name}\ndata: {json.dumps(event.data)}\n\n"
        self.exchange.send(text.encode())
