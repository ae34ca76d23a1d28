"""One connection: a browser's WebSocket on one side, a desktop's TLS stream on the other.

A thin shell around `rdp.Conversation`. Neither direction reads on before the other side has taken
what it was sent, so a slow browser slows its desktop down and nothing piles up here.
"""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from webapp.domain.connections import ConnectionEnd, Ending
from webapp.domain.keyboards import input_locale
from webapp.gateway import rdcleanpath
from webapp.gateway.browser_socket import BrowserSocket
from webapp.gateway.client_info import Login
from webapp.gateway.clipboard import Rules
from webapp.gateway.desktop_link import DesktopLink
from webapp.gateway.rdp import Conversation, Flow, Terms
from webapp.gateway.wire import Octets, ProtocolError
from webapp.ports import Clock
from webapp.services.connections import Traffic
from webapp.services.tickets import Admitted

log = logging.getLogger("winux.gateway")

SIGN_IN_SECONDS = 30.0
"""From TLS to the Client Info PDU; it takes 0.1, and longer on a machine under heavy load."""
_REST_SECONDS = 0.4
"""A screen that did not change for so long rests: partial tiles are drawn again."""
_LONGEST_UNREST = 3.0
"""Partial tiles are drawn again after so long even if the screen never rests."""
_STALL_SECONDS = 3.0
"""A browser that has drawn nothing for so long is helped out with an acknowledgement (`rdp`)."""
_MOST_BACKLOG = 8 << 20
"""Bytes that wait for a desktop: one long paste is honest, and a few answers of ours."""


class Relay:
    """Runs until one side ends, or `end` is called."""

    def __init__(self, browser: BrowserSocket, admitted: Admitted, clock: Clock) -> None:
        self.admitted = admitted
        self._browser = browser
        self._clock = clock
        self._conversation = Conversation(_terms(admitted))
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._bytes_up = 0
        self._bytes_down = 0
        self._last_input_at: datetime | None = None
        self._drawn_at = 0.0
        self._mending: asyncio.TimerHandle | None = None
        self._stalling: asyncio.TimerHandle | None = None

    def end(self, ending: Ending) -> None:
        """Make `run` return; the first reason counts."""
        if not self._ending.done():
            self._ending.set_result(ending)

    def traffic(self) -> Traffic:
        """What went through since the beginning. Up is from the browser to the desktop."""
        if self._conversation.take_input():
            self._last_input_at = self._clock.now()
        return Traffic(
            connection_id=self.admitted.connection_id,
            bytes_up=self._bytes_up,
            bytes_down=self._bytes_down,
            last_input_at=self._last_input_at,
        )

    async def run(self, link: DesktopLink) -> Ending:
        """Carry bytes; why it ended. Raises nothing for what a peer does."""
        pumps = [
            asyncio.create_task(self._guard(self._up(link))),
            asyncio.create_task(self._guard(self._down(link))),
        ]
        timer = self._loop.call_later(SIGN_IN_SECONDS, self._check_signed_in)
        try:
            return await self._ending
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for handle in (timer, self._mending, self._stalling):
                if handle:
                    handle.cancel()

    async def _up(self, link: DesktopLink) -> Ending:
        async for message in self._browser:
            if isinstance(message, str):
                raise ProtocolError("a text message")
            self._bytes_up += len(message)
            self._deliver(self._conversation.from_browser(message), link)
            await link.stream.drain()
            await self._browser.drain()
        return Ending(ConnectionEnd.LEFT)

    async def _down(self, link: DesktopLink) -> Ending:
        address = f"{self.admitted.desktop_id}:3389"
        await self._browser.send(rdcleanpath.response(address, link.confirm, link.certificate))
        self._browser.on_room = link.stream.resume
        await link.stream.pour(lambda data: self._take(data, link))
        return Ending(ConnectionEnd.UNREACHABLE)

    def _take(self, data: Octets, link: DesktopLink) -> None:
        """What came from the desktop goes on at once."""
        flow = self._conversation.from_desktop(data)
        # `_up` waits until the desktop has taken what the browser sent; our answers do not
        if flow.to_desktop and link.stream.unsent > _MOST_BACKLOG:
            raise ProtocolError("the desktop does not read")
        self._deliver(flow, link)
        if self._browser.is_full:
            link.stream.pause()
        self._watch_browser(link)
        if self._conversation.has_disconnected:
            self.end(Ending(ConnectionEnd.LOGGED_OUT))
        self._mend_later(link)

    def _deliver(self, flow: Flow, link: DesktopLink) -> None:
        self._write(flow, link)
        for message in flow.to_browser:
            self._bytes_down += len(message)
            self._browser.put(message)

    def _watch_browser(self, link: DesktopLink) -> None:
        if self._stalling is None and self._conversation.awaits_browser:
            drawn = self._conversation.acknowledged
            self._stalling = self._loop.call_later(_STALL_SECONDS, self._check_browser, link, drawn)

    def _check_browser(self, link: DesktopLink, drawn: int) -> None:
        """Acknowledge a frame in the browser's place if it has drawn none since the last look."""
        self._stalling = None
        if self._conversation.acknowledged == drawn and self._conversation.awaits_browser:
            self._write(self._conversation.lend_acknowledgement(), link)
        self._watch_browser(link)

    def _write(self, flow: Flow, link: DesktopLink) -> None:
        for pdu in flow.to_desktop:
            link.stream.write(pdu)

    def _mend_later(self, link: DesktopLink) -> None:
        self._drawn_at = self._loop.time()
        if self._mending is None and self._conversation.has_partial_tiles:
            self._mending = self._loop.call_later(_REST_SECONDS, self._mend, link, self._drawn_at)

    def _mend(self, link: DesktopLink, since: float) -> None:
        """Have partial tiles drawn again once the screen rests, or has not for too long."""
        rests_at = self._drawn_at + _REST_SECONDS
        if self._loop.time() < min(rests_at, since + _LONGEST_UNREST):
            self._mending = self._loop.call_at(rests_at, self._mend, link, since)
            return
        self._mending = None
        self._write(self._conversation.refresh(), link)

    async def _guard(self, pump: Awaitable[Ending]) -> None:
        """Run one direction; however it ends, the connection ends with it."""
        try:
            ending = await pump
        except ProtocolError as error:
            ending = Ending(ConnectionEnd.BAD_REQUEST, str(error))
        except ConnectionClosed:
            ending = Ending(self._why_browser_closed())
        except OSError:
            ending = Ending(ConnectionEnd.UNREACHABLE)
        except Exception:  # a defect of ours must end this connection, not leave it hanging
            log.exception("a relay broke")
            ending = Ending(ConnectionEnd.BAD_REQUEST, "internal")
        self.end(ending)

    def _why_browser_closed(self) -> ConnectionEnd:
        """LEFT, or SILENT when it was us who gave up waiting for its pong."""
        is_ours = self._browser.close_code == CloseCode.INTERNAL_ERROR
        return ConnectionEnd.SILENT if is_ours else ConnectionEnd.LEFT

    def _check_signed_in(self) -> None:
        if not self._conversation.is_signed_in:
            self.end(Ending(ConnectionEnd.SLOW))


def _terms(admitted: Admitted) -> Terms:
    return Terms(
        login=Login(admitted.username, admitted.password),
        rules=Rules(admitted.clipboard_in, admitted.clipboard_out),
        keyboard_layout=input_locale(admitted.keyboard_layout),
    )
