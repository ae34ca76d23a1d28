"""A page without a browser: the WebSocket, RDCleanPath, and the browser's part of a recording."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from tests.gateway.rdp import recorded
from webapp.gateway.connection.wire import Reader, ber
from webapp.gateway.rdp.pdu.x224 import connection_request

ORIGIN = "http://desktops.test"


def rdcleanpath_request(ticket: str, version: int = 3390) -> bytes:
    """The first message, as IronRDP builds it."""

    def tagged(number: int, content: bytes) -> bytes:
        return ber(bytes([0xA0 | number]), content)

    return ber(
        b"\x30",
        tagged(0, ber(b"\x02", version.to_bytes(2, "big")))
        + tagged(2, ber(b"\x0c", b"169.254.169.254:80"))
        + tagged(3, ber(b"\x0c", ticket.encode()))
        + tagged(6, ber(b"\x04", connection_request())),
    )


def http_status(answer: bytes) -> int | None:
    """The status in an RDCleanPath refusal; None for an acceptance."""
    body = Reader(Reader(answer).ber(b"\x30", "answer"))
    body.ber(b"\xa0", "version")
    if body.u8() != 0xA1:
        return None
    body.ber_length()
    error = Reader(body.ber(b"\x30", "error"))
    error.ber(b"\xa0", "code")
    return int.from_bytes(Reader(error.ber(b"\xa1", "status")).ber(b"\x02", "status"), "big")


@asynccontextmanager
async def browser(
    port: int,
    *,
    origin: str | None = ORIGIN,
    path: str = "/gateway/rdp",
    max_queue: int | None = 16,
) -> AsyncIterator[ClientConnection]:
    """An open WebSocket to a gateway on this machine."""
    async with connect(
        f"ws://127.0.0.1:{port}{path}",
        origin=None if origin is None else Origin(origin),
        compression=None,
        max_size=None,
        max_queue=max_queue,
    ) as socket:
        yield socket


async def play(socket: ClientConnection, records: list[tuple[int, bytes]]) -> list[bytes]:
    """Send the browser's part of a recording, each message when its turn has come.

    Returns the messages that the gateway sent meanwhile.
    """
    messages: list[bytes] = []
    due = 0
    for direction, data in records:
        if direction == recorded.FROM_DESKTOP:
            due += len(data)
            continue
        while sum(map(len, messages)) < due:
            messages.append(bytes(await socket.recv(decode=False)))
        await socket.send(data)
    return messages
