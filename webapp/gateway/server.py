"""The gateway's server: its port, the doors behind it, and a watch over all connections."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Origin

from webapp.domain.connections.rules import BEAT, ConnectionEnd, Ending
from webapp.domain.errors import OutsideFailed
from webapp.domain.sources import source_address
from webapp.gateway.browser_view import BrowserView
from webapp.gateway.connection.admission import Admissions
from webapp.gateway.connection.browser_socket import BrowserSocket
from webapp.gateway.connection.closing import CLOSINGS
from webapp.gateway.connection.port_sniffer import PortSniffer
from webapp.gateway.connection.unauthenticated import UnauthenticatedConnections
from webapp.gateway.doorkeeper import Doorkeeper, Entry
from webapp.gateway.events.database import Events
from webapp.gateway.events.streams import Listeners, Rules
from webapp.gateway.rdp.pdu import rdcleanpath
from webapp.gateway.settings import Settings, open_port
from webapp.ports import Clock
from webapp.services.connections.admission import Client

DOORS: dict[str, type[BrowserView]] = {"/gateway/rdp": BrowserView}
"""The doors for WebSockets, by path."""
PING_PATH = "/gateway/ping"
CLOSE_SECONDS = 2.0
LOOK_SECONDS = 1.0
"""Interval of the database checks; a connection or stream is ended within twice this time."""
BLIND_SECONDS = 30.0
"""Close all connections and streams after this long without a database response."""
PING_SECONDS = 20.0
PONG_SECONDS = 60.0
"""Long, because a busy page answers late: its pong waits behind pictures not yet drawn."""

_MOST_MESSAGES = 4
_REASON_BYTES = 120
"""A close frame has room for 123."""

log = logging.getLogger("winux.gateway")


class Gateway:
    """One process: its port, connections and listeners."""

    def __init__(
        self, settings: Settings, admissions: Admissions, events: Events, clock: Clock
    ) -> None:
        self._settings = settings
        rules = Rules(settings.public_origin, settings.max_listeners, settings.trusted_proxies)
        self._listeners = Listeners(rules, events)
        self._doorkeeper = Doorkeeper(admissions, settings.max_connections, settings.limits)
        self._clock = clock
        self.unauthenticated = UnauthenticatedConnections()
        self._is_stopping = False

    @property
    def count(self) -> int:
        """The number of admitted connections."""
        return self._doorkeeper.count

    async def run(self, stop: asyncio.Event, started: asyncio.Future[int] | None = None) -> None:
        """Serve until `stop` is set; `started` receives the port once it is open."""
        async with await self._serve() as server:
            watch = asyncio.create_task(self._watch())
            try:
                if started:
                    started.set_result(server.sockets[0].getsockname()[1])
                await stop.wait()
            finally:
                await self._listeners.close()
                self._is_stopping = True
                await self._doorkeeper.end_all(
                    Ending(ConnectionEnd.RESTART), self._settings.hand_shake_seconds
                )
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)

    async def _serve(self) -> Server:
        return await serve(
            self._attend,
            sock=open_port(self._settings.host, self._settings.port),
            origins=[Origin(self._settings.public_origin)],
            process_request=self._answer_http,
            create_connection=cast(type[ServerConnection], self._port_sniffer),
            compression=None,
            server_header=None,
            open_timeout=self._settings.hand_shake_seconds,
            close_timeout=CLOSE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            max_size=rdcleanpath.LONGEST,
            max_queue=_MOST_MESSAGES,
        )

    def _port_sniffer(self, *arguments: Any, **options: Any) -> ServerConnection:
        """Return a PortSniffer; the library takes it for its connection until the first bytes."""

        def websocket(sniffer: PortSniffer) -> BrowserSocket:
            browser = BrowserSocket(*arguments, **options)
            browser.sniffer = sniffer
            return browser

        sniffer = PortSniffer(
            websocket,
            self._listeners.make_exchange,
            self.unauthenticated,
            is_behind_proxy=self._settings.trusted_proxies > 0,
            seconds=self._settings.hand_shake_seconds,
        )
        return cast(ServerConnection, sniffer)

    # -- one connection -------------------------------------------------------------------------

    def _answer_http(self, browser: ServerConnection, request: Request) -> Response | None:
        """Answer requests for other paths than a door's; None continues the WebSocket handshake."""
        if (sniffer := cast(BrowserSocket, browser).sniffer) is not None:
            sniffer.comes_from(self._address(browser, request))
        if request.path == PING_PATH:
            return self._pong(browser)
        if request.path not in DOORS:
            return browser.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if self._is_stopping or self._doorkeeper.is_full:
            return browser.respond(HTTPStatus.SERVICE_UNAVAILABLE, "This gateway is full.\n")
        return None

    def _pong(self, browser: ServerConnection) -> Response:
        response = browser.respond(HTTPStatus.OK, "")
        response.headers["Access-Control-Allow-Origin"] = self._settings.public_origin
        response.headers["Timing-Allow-Origin"] = self._settings.public_origin
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _attend(self, connection: ServerConnection) -> None:
        """Handle a connection from the accepted WebSocket to its close."""
        browser = cast(BrowserSocket, connection)
        ending = await self._doorkeeper.attend(self._entry(browser))
        closing = CLOSINGS[ending.why]
        reason = f"{closing.word}:{ending.detail}" if ending.detail else closing.word
        await browser.close(closing.code, reason.encode()[:_REASON_BYTES].decode("utf-8", "ignore"))

    def _entry(self, browser: BrowserSocket) -> Entry:
        assert browser.request is not None  # noqa: S101 (the hand-shake is over)
        shell = DOORS[browser.request.path]
        client = Client(
            door=shell.door,
            source_address=self._address(browser, browser.request),
            user_agent=browser.request.headers.get("User-Agent", "")[:200],
        )
        return shell(browser, client, self._settings, self._clock)

    def _address(self, browser: ServerConnection, request: Request) -> str:
        """Return the browser's address, also behind trusted proxies."""
        peer = str(browser.remote_address[0])
        forwarded = ",".join(request.headers.get_all("X-Forwarded-For"))
        return source_address(peer, forwarded, self._settings.trusted_proxies)

    # -- the watch over all ---------------------------------------------------------------------

    async def _watch(self) -> None:
        """End connections that the database has marked to end, and store their traffic."""
        loop = asyncio.get_running_loop()
        answered = beaten = loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._doorkeeper.cut_greedy(LOOK_SECONDS)
            if loop.time() - answered > BLIND_SECONDS:
                self._doorkeeper.tell_all(Ending(ConnectionEnd.FULL))
                self._listeners.dismiss_all("database")
            try:
                await self._doorkeeper.decide_again()
                await self._listeners.look()
                answered = loop.time()
                if answered - beaten >= BEAT.total_seconds():
                    await self._doorkeeper.store_traffic()
                    beaten = loop.time()
            except OutsideFailed as error:
                log.warning("Database unavailable: %s", error.message)
