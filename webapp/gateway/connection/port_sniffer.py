"""Who gets a connection to the gateway's port: the first bytes say it."""

import asyncio
from collections.abc import Callable
from typing import cast

from webapp.gateway.connection.strangers import Strangers, place_of

API = b"/api/"
"""What the paths of the API begin with; all others are for the WebSockets."""
_LONGEST_METHOD = 16
_LARGEST_BEGIN = 64 << 10
"""Bytes that are kept while a connection waits for its hand-shake."""

Owner = Callable[["FrontDoor"], asyncio.Protocol]


class FrontDoor(asyncio.Protocol):
    """Waits for the first bytes, then gives the connection away; it stays a stranger till `admit`.

    `is_behind_proxy`: the peer is a proxy, which says in the head for whom it asks. The first bytes
    may take `seconds`.
    """

    def __init__(
        self,
        websocket: Owner,
        api: Owner,
        strangers: Strangers,
        *,
        is_behind_proxy: bool,
        seconds: float,
    ) -> None:
        self._websocket = websocket
        self._api = api
        self._strangers = strangers
        self._is_behind_proxy = is_behind_proxy
        self._seconds = seconds
        self._begin = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.TimerHandle | None = None
        self._place = ""

    # -- what the owner says --------------------------------------------------------------------

    def comes_from(self, address: str) -> None:
        """The head is read: this is the browser's or program's address."""
        self._strangers.move(self, place_of(address))

    def admit(self) -> None:
        """It has shown who it is, or it is gone."""
        self._strangers.remove(self)

    # -- what asyncio calls ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._place = "" if self._is_behind_proxy else place_of(peer)
        self._strangers.add(self, self._place, self._transport.abort)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        self._begin += data
        if self._turn or self._transport is None:
            if self._transport and len(self._begin) > _LARGEST_BEGIN:
                self._transport.abort()
            return
        is_api = asks_for_api(self._begin)
        if is_api is None:
            return
        rest = self._strangers.rest(self._place) if self._place else 0.0
        if rest:
            loop = asyncio.get_running_loop()
            self._turn = loop.call_later(rest, self._give_away, is_api)
        else:
            self._give_away(is_api)

    def connection_lost(self, _error: Exception | None) -> None:
        self._stop_timers()
        self._transport = None
        self.admit()

    # -- parts ----------------------------------------------------------------------------------

    def _give_away(self, is_api: bool) -> None:
        self._stop_timers()
        if self._transport is None:
            return
        owner = self._api(self) if is_api else self._websocket(self)
        self._transport.set_protocol(owner)
        owner.connection_made(self._transport)
        owner.data_received(self._begin)
        self._begin = b""

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._turn):
            if timer:
                timer.cancel()


def asks_for_api(begin: bytes) -> bool | None:
    """Whether a request that begins so is for the API; None: too early to say."""
    method, space, target = begin.partition(b" ")
    if not space:
        return False if len(method) > _LONGEST_METHOD else None
    if len(target) < len(API) and API.startswith(target):
        return None
    return target.startswith(API)
