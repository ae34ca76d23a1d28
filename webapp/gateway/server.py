"""The gateway's server: its port, handshakes, and a watch over all connections and listeners."""

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
from webapp.gateway.connection.admission import Admissions, Browser, Refusal
from webapp.gateway.connection.allowance import Allowances
from webapp.gateway.connection.browser_socket import BrowserSocket
from webapp.gateway.connection.closing import CLOSINGS
from webapp.gateway.connection.port_sniffer import PortSniffer
from webapp.gateway.connection.unauthenticated import UnauthenticatedConnections
from webapp.gateway.events.database import Events
from webapp.gateway.events.streams import Listeners, Rules
from webapp.gateway.greeting import first_message, refuse
from webapp.gateway.rdp.desktop_link import desktop_link
from webapp.gateway.rdp.pdu import rdcleanpath
from webapp.gateway.rdp.relay import Relay
from webapp.gateway.settings import Settings, open_port
from webapp.ports import Clock
from webapp.services.connections.tickets import Admitted

RDP_PATH = "/gateway/rdp"
PING_PATH = "/gateway/ping"
CLOSE_SECONDS = 2.0
LOOK_SECONDS = 1.0
"""Interval of the database checks; a connection or stream is ended within twice this time."""
BLIND_SECONDS = 30.0
"""Close all connections and streams after this long without a database response."""
PING_SECONDS = 20.0
PONG_SECONDS = 60.0
"""Long, because a busy page answers late: its pong waits behind pictures not yet drawn."""

_LARGEST_MESSAGE = 4 << 20
"""Bytes of one message from an admitted browser; a clipboard text is one message."""
_MOST_MESSAGES = 4
_REASON_BYTES = 120
"""A close frame has room for 123."""

log = logging.getLogger("winux.gateway")


class Gateway:
    """All connections of one process."""

    def __init__(
        self, settings: Settings, admissions: Admissions, events: Events, clock: Clock
    ) -> None:
        self._settings = settings
        rules = Rules(settings.public_origin, settings.max_listeners, settings.trusted_proxies)
        self._listeners = Listeners(rules, events)
        self._admissions = admissions
        self._clock = clock
        self._relays: dict[int, Relay] = {}
        self._allowances = Allowances(settings.limits)
        self.unauthenticated = UnauthenticatedConnections()
        self._entering = 0
        self._is_stopping = False

    @property
    def count(self) -> int:
        """The number of admitted connections."""
        return len(self._relays)

    @property
    def _is_full(self) -> bool:
        """Whether no place is free; connections without a redeemed ticket take none."""
        return self.count + self._entering >= self._settings.max_connections

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
                await self._end_all(Ending(ConnectionEnd.RESTART))
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
        """Answer requests other than the RDP WebSocket; None continues the WebSocket handshake."""
        if (sniffer := cast(BrowserSocket, browser).sniffer) is not None:
            sniffer.comes_from(self._address(browser, request))
        if request.path == PING_PATH:
            return self._pong(browser)
        if request.path != RDP_PATH:
            return browser.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if self._is_stopping or self._is_full:
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
        ending = await self._hand_shake_and_carry(browser)
        closing = CLOSINGS[ending.why]
        reason = f"{closing.word}:{ending.detail}" if ending.detail else closing.word
        await browser.close(closing.code, reason.encode()[:_REASON_BYTES].decode("utf-8", "ignore"))

    async def _hand_shake_and_carry(self, browser: BrowserSocket) -> Ending:
        try:
            ticket = await first_message(browser, self._settings.hand_shake_seconds)
            admitted = await self._admit(ticket, browser)
        except Refusal as refusal:
            await refuse(browser, refusal.ending)
            return refusal.ending
        now = asyncio.get_running_loop().time()
        allowance = self._allowances.of(admitted.person_id, now)
        sign_in = self._settings.sign_in_seconds
        relay = Relay(browser, admitted, self._clock, allowance, sign_in)
        self._relays[admitted.connection_id] = relay
        ending = Ending(ConnectionEnd.LOST)
        try:
            ending = await self._carry(browser, relay)
        finally:
            try:
                # Shielded: the row is closed even if this task is cancelled.
                await asyncio.shield(self._admissions.close(relay.traffic(), ending.why))
            finally:
                # Only now: `_end_all` waits for this, so that the close frame carries the reason.
                del self._relays[admitted.connection_id]
        return ending

    async def _admit(self, ticket: str, browser: BrowserSocket) -> Admitted:
        """Redeem the ticket if the process is not full. Raises Refusal."""
        if self._is_full:
            raise Refusal(ConnectionEnd.FULL)
        self._entering += 1
        try:
            admitted = await self._admissions.admit(ticket, self._browser_of(browser))
        finally:
            self._entering -= 1
        if browser.sniffer:
            browser.sniffer.admit()
        return admitted

    async def _carry(self, browser: BrowserSocket, relay: Relay) -> Ending:
        """Connect to the desktop and relay; return why it ended.

        A reason in the database takes precedence over the observed one.
        """
        admitted = relay.admitted
        self._take_over(admitted)
        browser.protocol.max_message_size = _LARGEST_MESSAGE
        try:
            async with desktop_link(
                admitted.address,
                admitted.port,
                admitted.certificate_sha256,
                self._settings.hand_shake_seconds,
            ) as link:
                ending = await relay.run(link)
        except Refusal as refusal:
            ending = refusal.ending
            await refuse(browser, ending)
        if ending.why in (ConnectionEnd.LOGGED_OUT, ConnectionEnd.UNREACHABLE):
            return (await self._look([admitted.connection_id])).get(admitted.connection_id, ending)
        return ending

    def _cut_greedy(self) -> None:
        """End the busiest connection of each person who has exceeded the share for long."""
        used = {relay: relay.take_used() for relay in self._relays.values()}
        for person_id in self._allowances.abused(asyncio.get_running_loop().time()):
            theirs = [one for one in used if one.admitted.person_id == person_id]
            most = max(theirs, key=lambda one: used[one], default=None)
            if most and used[most] > self._settings.limits.greedy * LOOK_SECONDS:
                most.end(Ending(ConnectionEnd.OVERUSE))

    def _take_over(self, admitted: Admitted) -> None:
        """End this process's older connections to the desktop now, not at the next check."""
        for connection_id in admitted.taken_over:
            if older := self._relays.get(connection_id):
                older.end(Ending(ConnectionEnd.TAKEN_OVER))

    def _browser_of(self, browser: ServerConnection) -> Browser:
        assert browser.request is not None  # noqa: S101 (the hand-shake is over)
        return Browser(
            source_address=self._address(browser, browser.request),
            user_agent=browser.request.headers.get("User-Agent", "")[:200],
        )

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
            self._cut_greedy()
            if loop.time() - answered > BLIND_SECONDS:
                self._tell_all(Ending(ConnectionEnd.FULL))
                self._listeners.dismiss_all("database")
            try:
                for connection_id, ending in (await self._look(list(self._relays))).items():
                    if relay := self._relays.get(connection_id):
                        relay.end(ending)
                await self._listeners.look()
                answered = loop.time()
                if answered - beaten >= BEAT.total_seconds():
                    await self._admissions.beat(
                        [relay.traffic() for relay in self._relays.values()]
                    )
                    beaten = loop.time()
            except OutsideFailed as error:
                log.warning("the database does not answer: %s", error.message)

    async def _look(self, connection_ids: list[int]) -> dict[int, Ending]:
        return await self._admissions.look(connection_ids)

    def _tell_all(self, ending: Ending) -> None:
        for relay in self._relays.values():
            relay.end(ending)

    async def _end_all(self, ending: Ending) -> None:
        """End all connections and wait until their rows are closed."""
        self._is_stopping = True
        async with asyncio.timeout(self._settings.hand_shake_seconds):
            while self._relays:
                self._tell_all(ending)
                await asyncio.sleep(0.02)
