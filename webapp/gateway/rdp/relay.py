"""One connection: a browser's WebSocket on one side, a desktop's TLS stream on the other.

A thin wrapper around `Conversation`. Each direction reads on only after the receiver has taken the
data sent so far, so that a slow browser slows its desktop down and no data piles up here. Both
directions work in short turns, and wait when the person has used up the processor share
(`allowance`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.desktops.keyboards import input_locale
from webapp.gateway.connection.allowance import Allowance
from webapp.gateway.connection.browser_socket import BrowserSocket
from webapp.gateway.connection.wire import Octets, Overuse, ProtocolError
from webapp.gateway.rdp.clipboard import Rules
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.desktop_link import DesktopLink
from webapp.gateway.rdp.flow import Flow
from webapp.gateway.rdp.pdu import rdcleanpath
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.repair_timers import RepairTimers
from webapp.gateway.rdp.terms import Terms
from webapp.ports import Clock
from webapp.services.connections.admission import Admitted, RdpParameters
from webapp.services.connections.connections import Traffic

log = logging.getLogger("winux.gateway")

_MOST_BACKLOG = 8 << 20
"""Bytes that may wait for a desktop: enough for one long paste and the gateway's own answers."""
_MESSAGE_SECONDS = 50e-6
"""Processor time charged for a message in addition to the measured time."""
_MOST_CONTROLS, _CONTROLS_A_SECOND = 100, 2
"""Pings and pongs that a browser may send: at once, and in addition per second."""


class Relay:
    """Relays until one side closes or `end` is called.

    The browser must sign in within `sign_in_seconds`.
    """

    def __init__(
        self,
        browser: BrowserSocket,
        admitted: Admitted,
        clock: Clock,
        allowance: Allowance,
        sign_in_seconds: float,
    ) -> None:
        self.admitted = admitted
        self.cpu_seconds = 0.0
        """Processor time that this connection has used."""
        self.was_slowed = False
        """Whether the connection was ever throttled."""
        self.allowance = allowance
        """Shared by all connections of the person."""
        self._told_seconds = 0.0
        self._sign_in_seconds = sign_in_seconds
        self._browser = browser
        self._clock = clock
        self._conversation = Conversation(_terms(admitted.parameters))
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._bytes_up = 0
        self._bytes_down = 0
        self._last_input_at: datetime | None = None

    def end(self, ending: Ending) -> None:
        """Make `run` return; only the first reason is kept."""
        if not self._ending.done():
            self._ending.set_result(ending)

    def traffic(self) -> Traffic:
        """Return the traffic since the connection began. Up is from the browser to the desktop."""
        if self._conversation.take_input():
            self._last_input_at = self._clock.now()
        return Traffic(
            connection_id=self.admitted.connection_id,
            bytes_up=self._bytes_up,
            bytes_down=self._bytes_down,
            last_input_at=self._last_input_at,
            cpu_ms=round(self.cpu_seconds * 1000),
            was_slowed=self.was_slowed,
        )

    def worked(self, seconds: float) -> float:
        """Charge processor seconds to the person; return the seconds to wait now."""
        self.cpu_seconds += seconds
        rest = self.allowance.spend(seconds, self._loop.time())
        self.was_slowed |= rest > 0
        return rest

    def take_used(self) -> float:
        """Return the processor seconds used since the last call."""
        used, self._told_seconds = self.cpu_seconds - self._told_seconds, self.cpu_seconds
        return used

    async def run(self, link: DesktopLink) -> Ending:
        """Relay both directions; return why the connection ended. No action of a peer raises."""
        pumps = [
            asyncio.create_task(self._guard(self._up(link))),
            asyncio.create_task(self._guard(self._down(link))),
        ]
        timer = self._loop.call_later(self._sign_in_seconds, self._check_signed_in)
        try:
            return await self._ending
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            timer.cancel()

    async def _up(self, link: DesktopLink) -> Ending:
        self._browser.on_work = self._took_frames
        async for message in self._browser:
            if isinstance(message, str):
                raise ProtocolError("a text message")
            self._bytes_up += len(message)
            await self._carry_up(message, link)
        return Ending(ConnectionEnd.LEFT)

    async def _carry_up(self, message: bytes, link: DesktopLink) -> None:
        """Send one message to the desktop, in as many turns as it takes."""
        turn: Callable[[], Flow] = partial(self._conversation.from_browser, message)
        spent = _MESSAGE_SECONDS
        while True:
            began = time.thread_time()
            self._deliver(turn(), link)
            rest = self.worked(spent + time.thread_time() - began)
            await link.stream.drain()
            await self._browser.drain()
            is_over = not self._conversation.is_browser_waiting
            if rest or not is_over:
                await asyncio.sleep(rest)
            if is_over:
                return
            turn, spent = self._conversation.go_on_browser, 0.0

    def _took_frames(self, seconds: float) -> float:
        lived = self._loop.time() - self._began
        if self._browser.frames.controls > _MOST_CONTROLS + lived * _CONTROLS_A_SECOND:
            self.end(Ending(ConnectionEnd.BAD_REQUEST, "too many pings"))
        return self.worked(seconds)

    async def _down(self, link: DesktopLink) -> Ending:
        address = f"{self.admitted.target.id}:{self.admitted.parameters.port}"
        await self._browser.send(rdcleanpath.response(address, link.confirm, link.certificate))
        self._browser.on_room = link.stream.resume
        care = RepairTimers(self._conversation, lambda flow: self._deliver(flow, link))
        try:
            await link.stream.pour(partial(self._take, link, care))
        finally:
            care.end()
        return Ending(ConnectionEnd.UNREACHABLE)

    def _take(self, link: DesktopLink, care: RepairTimers, data: Octets) -> None:
        """Relay data from the desktop at once, or in several turns if it is much work."""
        self._finish_turn(link, care, self._conversation.from_desktop(data))

    def _go_on(self, link: DesktopLink, care: RepairTimers) -> None:
        self._finish_turn(link, care, self._conversation.go_on_desktop())

    def _finish_turn(self, link: DesktopLink, care: RepairTimers, flow: Flow) -> None:
        # `_up` waits for the desktop to take the browser's data; the gateway's own answers do not
        if flow.to_desktop and link.stream.unsent > _MOST_BACKLOG:
            raise ProtocolError("the desktop does not read")
        self._deliver(flow, link)
        if self._browser.is_full:
            link.stream.pause()
        if self._conversation.has_disconnected:
            self.end(Ending(ConnectionEnd.LOGGED_OUT))
        care.came()
        rest = self.worked(time.thread_time() - link.stream.cpu_began)
        if rest or self._conversation.is_desktop_waiting:
            link.stream.hold(rest, partial(self._go_on, link, care))

    def _deliver(self, flow: Flow, link: DesktopLink) -> None:
        if flow.to_desktop:
            link.stream.write(b"".join(flow.to_desktop))
        for message in flow.to_browser:
            self._bytes_down += len(message)
            self._browser.put(message)

    async def _guard(self, pump: Awaitable[Ending]) -> None:
        """Run one direction; however it ends, the connection ends with it."""
        try:
            ending = await pump
        except Overuse as error:
            ending = Ending(ConnectionEnd.OVERUSE, str(error))
        except ProtocolError as error:
            ending = Ending(ConnectionEnd.BAD_REQUEST, str(error))
        except ConnectionClosed:
            ending = Ending(self._why_browser_closed())
        except OSError:
            ending = Ending(ConnectionEnd.UNREACHABLE)
        except Exception:  # a defect of ours must end this connection, not leave it hanging
            log.exception("Relay failed")
            ending = Ending(ConnectionEnd.BAD_REQUEST, "internal")
        self.end(ending)

    def _why_browser_closed(self) -> ConnectionEnd:
        """Return SILENT if the gateway closed after a missing pong, else LEFT."""
        is_ours = self._browser.close_code == CloseCode.INTERNAL_ERROR
        return ConnectionEnd.SILENT if is_ours else ConnectionEnd.LEFT

    def _check_signed_in(self) -> None:
        if not self._conversation.is_signed_in:
            self.end(Ending(ConnectionEnd.SLOW))


def _terms(desktop: RdpParameters) -> Terms:
    return Terms(
        login=Login(desktop.username, desktop.password),
        rules=Rules(desktop.clipboard_in, desktop.clipboard_out),
        keyboard_layout=input_locale(desktop.keyboard_layout),
    )
