"""The door of the browser view: RDP over a WebSocket, with a ticket in the first message."""

import asyncio
import logging

from websockets.exceptions import ConnectionClosed

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Door
from webapp.gateway.connection.admission import Refusal
from webapp.gateway.connection.allowance import Allowance
from webapp.gateway.connection.browser_socket import BrowserSocket
from webapp.gateway.connection.closing import CLOSINGS
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.desktop_link import desktop_link
from webapp.gateway.rdp.pdu import rdcleanpath, x224
from webapp.gateway.rdp.relay import Relay
from webapp.gateway.settings import Settings
from webapp.ports import Clock
from webapp.services.connections.admission import Admitted, Client

log = logging.getLogger("winux.gateway")

_LARGEST_MESSAGE = 4 << 20
"""Bytes of one message from an admitted browser; a clipboard text is one message."""


class BrowserView:
    """One browser; an `Entry` of the doorkeeper."""

    door = Door.BROWSER_VIEW

    def __init__(
        self, browser: BrowserSocket, client: Client, settings: Settings, clock: Clock
    ) -> None:
        self.client = client
        self._browser = browser
        self._settings = settings
        self._clock = clock
        self._relay: Relay | None = None

    async def credential(self) -> str:
        """Return the ticket in the browser's RDCleanPath request. Raises Refusal."""
        try:
            async with asyncio.timeout(self._settings.hand_shake_seconds):
                message = await self._browser.recv()
        except TimeoutError as error:
            raise Refusal(ConnectionEnd.SLOW) from error
        except ConnectionClosed as error:
            raise Refusal(ConnectionEnd.LEFT) from error
        try:
            return _ticket(message)
        except ProtocolError as error:
            raise Refusal(ConnectionEnd.BAD_REQUEST, str(error)) from error

    def admit(self, admitted: Admitted, allowance: Allowance) -> Relay:
        if self._browser.sniffer:
            self._browser.sniffer.admit()
        self._browser.protocol.max_message_size = _LARGEST_MESSAGE
        sign_in = self._settings.sign_in_seconds
        self._relay = Relay(self._browser, admitted, self._clock, allowance, sign_in)
        return self._relay

    async def carry(self) -> Ending:
        """Connect to the desktop and relay. Raises Refusal."""
        assert self._relay is not None  # noqa: S101 (it was admitted)
        desktop = self._relay.admitted.parameters
        async with desktop_link(
            desktop.address,
            desktop.port,
            desktop.certificate_sha256,
            self._settings.hand_shake_seconds,
        ) as link:
            return await self._relay.run(link)

    async def refuse(self, ending: Ending) -> None:
        """Send a refusal that IronRDP understands; the close code that follows is more exact."""
        try:
            await self._browser.send(rdcleanpath.refusal(CLOSINGS[ending.why].http_status))
        except ConnectionClosed:
            log.debug("Browser disconnected before the refusal was sent")


def _ticket(message: str | bytes) -> str:
    if isinstance(message, str):
        raise ProtocolError("a text message")
    request = rdcleanpath.parse_request(message)
    x224.check_request(request.x224)
    return request.ticket
