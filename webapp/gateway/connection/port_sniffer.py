"""Routes a connection to the gateway's port by its first bytes: to the API or to WebSockets."""

import asyncio
from collections.abc import Callable
from typing import cast

from webapp.gateway.connection.unauthenticated import UnauthenticatedConnections, place_of

API = b"/api/"
"""The prefix of API paths; all other paths are for WebSockets."""
_LONGEST_METHOD = 16
_LARGEST_BEGIN = 64 << 10
"""Bytes buffered while a connection waits for its handshake."""

Owner = Callable[["PortSniffer"], asyncio.Protocol]


class PortSniffer(asyncio.Protocol):
    """Reads the first bytes, then hands the connection to its protocol.

    The connection counts as unauthenticated until `admit`. With `is_behind_proxy` the
    peer is a proxy that sends the client's address in the request headers. The connection is
    aborted if its first bytes take longer than `seconds`.
    """

    def __init__(
        self,
        websocket: Owner,
        api: Owner,
        unauthenticated: UnauthenticatedConnections,
        *,
        is_behind_proxy: bool,
        seconds: float,
    ) -> None:
        self._websocket = websocket
        self._api = api
        self._unauthenticated = unauthenticated
        self._is_behind_proxy = is_behind_proxy
        self._seconds = seconds
        self._begin = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.TimerHandle | None = None
        self._place = ""

    # -- called by the owner --------------------------------------------------------------------

    def comes_from(self, address: str) -> None:
        """Record the client's address, once the request headers are read."""
        self._unauthenticated.move(self, place_of(address))

    def admit(self) -> None:
        """Stop counting the connection as unauthenticated: it is authenticated, or closed."""
        self._unauthenticated.remove(self)

    # -- called by asyncio ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._place = "" if self._is_behind_proxy else place_of(peer)
        self._unauthenticated.add(self, self._place, self._transport.abort)
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
        rest = self._unauthenticated.rest(self._place) if self._place else 0.0
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
    """Whether a request with these first bytes is for the API; None if undecided yet."""
    method, space, target = begin.partition(b" ")
    if not space:
        return False if len(method) > _LONGEST_METHOD else None
    if len(target) < len(API) and API.startswith(target):
        return None
    return target.startswith(API)
