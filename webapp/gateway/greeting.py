"""The first message in each direction: the browser's request with its ticket, and a refusal."""

import asyncio
import logging

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.gateway.connection.admission import Refusal
from webapp.gateway.connection.closing import CLOSINGS
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.pdu import rdcleanpath, x224

log = logging.getLogger("winux.gateway")


async def first_message(browser: ServerConnection, seconds: float) -> str:
    """Return the ticket in the browser's RDCleanPath request. Raises Refusal."""
    try:
        async with asyncio.timeout(seconds):
            message = await browser.recv()
    except TimeoutError as error:
        raise Refusal(ConnectionEnd.SLOW) from error
    except ConnectionClosed as error:
        raise Refusal(ConnectionEnd.LEFT) from error
    try:
        if isinstance(message, str):
            raise ProtocolError("a text message")
        request = rdcleanpath.parse_request(message)
        x224.check_request(request.x224)
    except ProtocolError as error:
        raise Refusal(ConnectionEnd.BAD_REQUEST, str(error)) from error
    return request.ticket


async def refuse(browser: ServerConnection, ending: Ending) -> None:
    """Send a refusal that IronRDP understands; the close code that follows is more exact."""
    try:
        await browser.send(rdcleanpath.refusal(CLOSINGS[ending.why].http_status))
    except ConnectionClosed:
        log.debug("the browser left before it was refused")
