"""Received bytes are forwarded at once or with the bytes that follow; none are kept back."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from webapp.gateway.connection.byte_stream import ByteStream
from webapp.gateway.connection.wire import Octets
from webapp.gateway.process import run_in_loop

RECORD = b"r" * 16_384
ECHO = b"e" * 100
#: A thousand times the wait for further records, because machines may be busy.
SOON = 4.0

Send = Callable[[asyncio.StreamWriter], Awaitable[None]]


def heard(send: Send) -> list[tuple[float, bytes]]:
    """Return what is forwarded of the bytes that a server sends before it closes, and when."""
    took: list[tuple[float, bytes]] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer)
        writer.close()

    async def listen() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            _, stream = await loop.create_connection(ByteStream, "127.0.0.1", port)

            def take(data: Octets) -> None:
                took.append((time.monotonic(), bytes(data)))

            await asyncio.wait_for(stream.pour(take), SOON * 2)

    run_in_loop(listen())
    return took


def test_the_records_of_a_picture_come_together() -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        for _ in range(10):
            writer.write(RECORD)
            await writer.drain()
            time.sleep(0.0002)
        await asyncio.sleep(0.1)

    took = heard(send)
    assert b"".join(data for _, data in took) == RECORD * 10
    assert len(took) < 8


def test_little_after_much_is_not_kept_back() -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(RECORD)
        await writer.drain()
        await asyncio.sleep(0.001)
        writer.write(ECHO)
        await asyncio.sleep(SOON)

    began = time.monotonic()
    arrivals = [at for at, _ in heard(send)]
    assert len(arrivals) == 2
    assert arrivals[-1] - began < SOON / 2


@pytest.mark.parametrize("last", [ECHO, RECORD])
def test_the_end_is_noticed_while_more_is_waited_for(last: bytes) -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(RECORD)
        await writer.drain()
        writer.write(last)

    began = time.monotonic()
    assert b"".join(data for _, data in heard(send)) == RECORD + last
    assert time.monotonic() - began < SOON


def test_a_peer_that_sends_without_a_pause_takes_one_read_of_each_turn_of_the_loop() -> None:
    at: list[int] = []

    async def listen() -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        loop = asyncio.get_running_loop()
        with theirs:
            sent = theirs.send(bytes(2 << 20))
            assert sent > 1 << 20
            _, stream = await loop.create_connection(ByteStream, sock=ours)
            turn, took = 0, 0

            def take(data: Octets) -> None:
                nonlocal took
                took += len(data)
                at.append(turn)

            pouring = asyncio.create_task(stream.pour(take))
            while took < sent:
                turn += 1
                await asyncio.sleep(0)
            pouring.cancel()
            stream.abort()

    run_in_loop(asyncio.wait_for(listen(), SOON * 2))
    assert len(at) > 4
    assert len(set(at)) == len(at)
