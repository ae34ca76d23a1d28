"""Unauthenticated connections use no places and do not slow down others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.gateway.fake_browser import ORIGIN, browser, http_status, rdcleanpath_request
from tests.gateway.gateways import Running, running
from tests.gateway.rdp import recorded
from tests.gateway.rdp.fake_desktop import FakeDesktop
from tests.gateway.rdp.test_relay import run
from webapp.gateway.connection.unauthenticated import (
    MOST,
    MOST_OF_AN_ADDRESS,
    UnauthenticatedConnections,
    place_of,
)

BEGINNING = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
HEAD = (
    b"GET /gateway/rdp HTTP/1.1\r\nHost: x\r\nOrigin: http://desktops.test\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n"
)


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def half_requests(port: int, begin: bytes, count: int) -> AsyncIterator[list[Pair]]:
    """Open this many connections that never complete their request."""
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in pairs:
        writer.write(begin)
    try:
        yield pairs
    finally:
        for _, writer in pairs:
            writer.transport.abort()


async def events_status(port: int) -> bytes:
    """Return the answer to a complete request for events."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        return (await reader.read())[9:12]
    finally:
        writer.transport.abort()


async def check_browser_gets_in(gateway: Running) -> None:
    async with browser(gateway.port) as socket:
        await socket.send(rdcleanpath_request("try-us"))
        assert http_status(bytes(await socket.recv())) is None


@pytest.mark.parametrize(
    "begin",
    [b"", b"GET ", b"GET /api/v1/ev", b"GET /api/v1/events HTTP/1.1\r\nHost:", HEAD[:90], HEAD],
    ids=["nothing", "a word", "half a path", "half a head", "half a hand-shake", "no ticket"],
)
def test_half_requests_keep_nobody_out(tmp_path: Path, begin: bytes) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, max_connections=2) as gateway,
            half_requests(gateway.port, begin, 130),
        ):
            assert await events_status(gateway.port) == b"401"
            await check_browser_gets_in(gateway)

    run(test)


def test_an_address_has_few_that_wait_and_the_newest_count(tmp_path: Path) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, BEGINNING) as desktop, running(desktop) as gateway:
            async with half_requests(gateway.port, HEAD, 2 * MOST_OF_AN_ADDRESS) as pairs:
                oldest, newest = pairs[0][0], pairs[-1][0]
                with contextlib.suppress(ConnectionResetError):
                    await oldest.read()
                assert b" 101 " in await newest.readuntil(b"\r\n\r\n")
                assert len(gateway.gateway.unauthenticated) <= MOST_OF_AN_ADDRESS
            await until(lambda: len(gateway.gateway.unauthenticated) == 0)

    run(test)


@contextlib.asynccontextmanager
async def silent_browser(port: int, client: str) -> AsyncIterator[ClientConnection]:
    """Add the header of a proxy."""
    async with connect(
        f"ws://127.0.0.1:{port}/gateway/rdp",
        origin=Origin(ORIGIN),
        compression=None,
        additional_headers={"X-Forwarded-For": client},
    ) as socket:
        yield socket


def test_behind_a_proxy_the_clients_own_address_counts(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, trusted_proxies=1) as gateway,
            silent_browser(gateway.port, "203.0.113.10") as honest,
            contextlib.AsyncExitStack() as stack,
        ):
            for _ in range(MOST_OF_AN_ADDRESS + 5):
                await stack.enter_async_context(silent_browser(gateway.port, "203.0.113.9"))
            await honest.send(rdcleanpath_request("try-us"))
            assert http_status(bytes(await honest.recv())) is None

    run(test)


def test_those_who_were_let_in_are_no_strangers(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            contextlib.AsyncExitStack() as stack,
        ):
            for _ in range(MOST_OF_AN_ADDRESS + 5):
                socket = await stack.enter_async_context(browser(gateway.port))
                await socket.send(rdcleanpath_request("try-us"))
                await socket.recv()
            assert gateway.gateway.count == MOST_OF_AN_ADDRESS + 5
            assert len(gateway.gateway.unauthenticated) == 0

    run(test)


@pytest.mark.parametrize(
    "begin",
    [
        HEAD + b"\x82\x80\0\0\0\0" * 100,
        b"GET /gateway/rdp HTTP/1.1\r\n"
        + b"X-Filler: aaaaaaaaaaaaaaaaaaa\r\n" * 100
        + b"X: " * 9000,
    ],
    ids=["frames before the answer", "a huge head"],
)
def test_what_no_browser_sends_is_dropped(tmp_path: Path, begin: bytes) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, []) as desktop, running(desktop) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(begin)
            with contextlib.suppress(ConnectionResetError):
                assert b" 101 " not in await reader.read()
            writer.transport.abort()

    run(test)


def test_a_stranger_cannot_have_frames_without_end_collected(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, []) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            with pytest.raises(ConnectionClosed):
                await ping_for_ever(socket)

    run(test)


async def ping_for_ever(socket: ClientConnection) -> None:
    for _ in range(10_000):
        await socket.ping()
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


# -- which connection is closed when there are too many -------------------------------------------


def test_of_too_many_in_all_the_place_with_most_loses_one() -> None:
    strangers, dropped = UnauthenticatedConnections(), list[str]()
    for n in range(MOST):
        place = f"192.0.2.{n // 20}"
        strangers.add(f"{place}-{n}", place, partial(dropped.append, place))
    strangers.add("many", "192.0.2.7", lambda: dropped.append("many"))
    strangers.add("honest", "198.51.100.1", lambda: dropped.append("honest"))
    assert set(dropped) == {"192.0.2.0", "192.0.2.7"}
    assert len(strangers) == MOST


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("unknown", "unknown", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, is_same: bool) -> None:
    assert (place_of(one) == place_of(other)) is is_same
