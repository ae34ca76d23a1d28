"""Who gets a connection to the gateway's port: the first bytes say it."""

import asyncio
from collections.abc import Callable
from typing import cast

API = b"/api/"
"""What the paths of the API begin with; all others are for the WebSockets."""
_LONGEST_METHOD = 16
SECONDS = 10.0
"""So long may the first bytes take."""


class FrontDoor(asyncio.Protocol):
    """Waits for the first bytes, then gives the connection away."""

    def __init__(
        self,
        websocket: Callable[[], asyncio.Protocol],
        api: Callable[[], asyncio.Protocol],
    ) -> None:
        self._websocket = websocket
        self._api = api
        self._begin = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SECONDS, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        self._begin += data
        is_api = asks_for_api(self._begin)
        if is_api is None or self._transport is None:
            return
        self._stop_timer()
        owner = self._api() if is_api else self._websocket()
        self._transport.set_protocol(owner)
        owner.connection_made(self._transport)
        owner.data_received(self._begin)

    def connection_lost(self, _error: Exception | None) -> None:
        self._stop_timer()
        self._transport = None

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()


def asks_for_api(begin: bytes) -> bool | None:
    """Whether a request that begins so is for the API; None: too early to say."""
    method, space, target = begin.partition(b" ")
    if not space:
        return False if len(method) > _LONGEST_METHOD else None
    if len(target) < len(API) and API.startswith(target):
        return None
    return target.startswith(API)
