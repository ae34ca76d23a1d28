"""The gateway between a browser and a desktop, on real sockets: all ways to work and to end."""

import asyncio
import contextlib
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway.fake_browser import browser, http_status, play, rdcleanpath_request
from tests.gateway.gateways import PASSWORD, Running, running
from tests.gateway.rdp import recorded
from tests.gateway.rdp.fake_desktop import (
    BabblingDesktop,
    DepartingDesktop,
    DesktopSilentInTls,
    FakeDesktop,
    FloodingDesktop,
    HastyDesktop,
    PlainDesktop,
    SilentDesktop,
    VanishingDesktop,
)
from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.gateway.process import run_in_loop
from webapp.gateway.rdp import repair_timers

RECORDS = recorded.read("xfce-with-resize")
PICTURES = recorded.beginning(RECORDS, 30_000)
BEGINNING = recorded.beginning(RECORDS, 5_000)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test in its own event loop; it must end in time and leave no task behind."""

    async def guarded() -> None:
        async with asyncio.timeout(60):
            await test()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        assert not left

    run_in_loop(guarded())


async def admitted(socket: ClientConnection) -> bytes:
    """Request a connection; return the gateway's answer."""
    await socket.send(rdcleanpath_request("try-us"))
    return bytes(await socket.recv())


async def closing(socket: ClientConnection) -> tuple[int, str]:
    """Return the close code and word, ignoring earlier messages."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ends(gateway: Running) -> list[ConnectionEnd]:
    return [why for _, why in gateway.admissions.closed]


def test_a_whole_connection_with_a_resize_goes_through(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, RECORDS) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            assert http_status(await admitted(socket)) is None
            messages = await play(socket, RECORDS)
            assert len(messages) > 20
            assert PASSWORD.encode("utf-16-le") not in b"".join(messages)
            await until(lambda: PASSWORD.encode("utf-16-le") in desktop.received)
            await socket.close()
            await until(lambda: bool(gateway.admissions.closed))
            (traffic, why) = gateway.admissions.closed[0]
            assert why == ConnectionEnd.LEFT
            assert traffic.bytes_up == sum(len(d) for way, d in RECORDS if way == 1)
            assert traffic.bytes_down >= sum(len(d) for way, d in RECORDS if way == 0)
            assert traffic.last_input_at is not None
            await until(lambda: desktop.open == 0)

    run(test)


@pytest.mark.parametrize("origin", [None, "http://evil.test", "https://desktops.test"])
def test_another_origin_is_refused(tmp_path: Path, origin: str | None) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, []) as desktop, running(desktop) as gateway:
            with pytest.raises(InvalidStatus) as refused:
                async with browser(gateway.port, origin=origin):
                    pass
            assert refused.value.response.status_code == 403

    run(test)


def test_other_paths_lead_nowhere(tmp_path: Path) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, []) as desktop, running(desktop) as gateway:
            with pytest.raises(InvalidStatus) as refused:
                async with browser(gateway.port, path="/gateway/rdp?ticket=x"):
                    pass
            assert refused.value.response.status_code == 404

    run(test)


@pytest.mark.parametrize(
    "message", ["text", b"", b"\x03\x00\x00\x13", os.urandom(300), b"\x30\x82\xff\xff"]
)
def test_a_first_message_that_is_no_request_is_refused(tmp_path: Path, message: bytes) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, []) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            await socket.send(message)
            assert http_status(bytes(await socket.recv())) == 400
            code, word = await closing(socket)
            assert (code, word.partition(":")[0]) == (4400, "bad_request")
            assert gateway.admissions.closed == []

    run(test)


def test_a_huge_first_message_is_refused_unread(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, []) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            with contextlib.suppress(ConnectionClosed):
                await socket.send(bytes(100_000))
            assert (await closing(socket))[0] == 1009

    run(test)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (SilentDesktop, 4502),
        (DesktopSilentInTls, 4502),
        (PlainDesktop, 4502),
        (HastyDesktop, 4502),
        (BabblingDesktop, 4400),
    ],
)
def test_a_desktop_that_does_not_do_its_part(
    tmp_path: Path, kind: type[FakeDesktop], code: int
) -> None:
    async def test() -> None:
        async with (
            kind(tmp_path, BEGINNING) as desktop,
            running(desktop, hand_shake_seconds=1.0) as gateway,
            browser(gateway.port) as socket,
        ):
            if kind is SilentDesktop:
                gateway.admissions.certificate_sha256 = "00" * 32
            await socket.send(rdcleanpath_request("try-us"))
            if kind is BabblingDesktop:
                await socket.recv()
                await socket.send(RECORDS[0][1])
            assert (await closing(socket))[0] == code
            await until(lambda: len(ends(gateway)) == 1)

    run(test)


def test_a_desktop_with_another_certificate_is_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            gateway.admissions.certificate_sha256 = "ab" * 32
            assert http_status(await admitted(socket)) == 502
            assert await closing(socket) == (4423, "certificate")
            assert desktop.received == b"", "nothing was said to the stranger"
            await until(lambda: ends(gateway) == [ConnectionEnd.CERTIFICATE])

    run(test)


def test_a_desktop_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, []) as desktop, running(desktop) as gateway:
            gateway.admissions.target = ("127.0.0.1", 1)
            async with browser(gateway.port) as socket:
                assert http_status(await admitted(socket)) == 502
                assert await closing(socket) == (4502, "unreachable")

    run(test)


@pytest.mark.parametrize(
    ("kind", "closed"),
    [(DepartingDesktop, (1000, "logged_out")), (VanishingDesktop, (4502, "unreachable"))],
)
def test_a_log_out_and_a_crash_are_told_apart(
    tmp_path: Path, kind: type[FakeDesktop], closed: tuple[int, str]
) -> None:
    async def test() -> None:
        async with (
            kind(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            assert await closing(socket) == closed

    run(test)


@pytest.mark.parametrize(
    ("ending", "closed"),
    [
        (Ending(ConnectionEnd.DESKTOP_ENDED, "expired"), (4410, "ended:expired")),
        (Ending(ConnectionEnd.PAUSED), (4414, "paused")),
        (Ending(ConnectionEnd.CUT), (4411, "cut")),
        (Ending(ConnectionEnd.SUSPENDED), (4413, "suspended")),
        (Ending(ConnectionEnd.TAKEN_OVER), (4412, "taken_over")),
    ],
)
def test_what_the_database_ends_is_closed_within_two_seconds(
    tmp_path: Path, ending: Ending, closed: tuple[int, str]
) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            gateway.admissions.endings[1] = ending
            async with asyncio.timeout(2):
                assert await closing(socket) == closed
            await until(lambda: ends(gateway) == [ending.why])

    run(test)


def test_a_restart_says_so_and_closes_every_row(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as one,
            browser(gateway.port) as other,
        ):
            for socket in (one, other):
                await admitted(socket)
            gateway.admissions.close_seconds = 0.3  # a slow database
            gateway.stop.set()
            assert await closing(one) == (1001, "gateway_restart")
            assert await closing(other) == (1001, "gateway_restart")
            await until(lambda: ends(gateway) == [ConnectionEnd.RESTART] * 2)

    run(test)


def test_bytes_that_are_no_rdp_end_the_connection(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await socket.send(b"\xff\xff\xff\xff")
            assert (await closing(socket))[0] == 4400

    run(test)


def test_who_never_signs_in_is_let_go(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, sign_in_seconds=0.3) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            assert await closing(socket) == (4408, "slow")

    run(test)


def test_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, hand_shake_seconds=1.0) as gateway,
            browser(gateway.port) as socket,
        ):
            assert await closing(socket) == (4408, "slow")

    run(test)


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /gateway/rdp HTTP/1.1\r\nHost: a\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["nothing", "half a request", "a TLS hand-shake that was begun"],
)
def test_who_stays_silent_at_the_port_is_dropped(tmp_path: Path, begin: bytes) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, hand_shake_seconds=1.0) as gateway,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(begin)
            with contextlib.suppress(ConnectionResetError):
                assert b" 101 " not in await reader.read()
            writer.close()
            assert ends(gateway) == []
            assert len(gateway.gateway.unauthenticated) == 0

    run(test)


def test_a_desktop_silent_in_tls_is_let_go_of(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            DesktopSilentInTls(tmp_path, BEGINNING) as desktop,
            running(desktop, hand_shake_seconds=1.0) as gateway,
            browser(gateway.port) as socket,
        ):
            await socket.send(rdcleanpath_request("try-us"))
            assert await closing(socket) == (4502, "unreachable")
            await until(lambda: ends(gateway) == [ConnectionEnd.UNREACHABLE])
            assert desktop.received.startswith(b"\x16\x03"), "a TLS hand-shake was begun"
            await until(lambda: desktop.open == 0)

    run(test)


def test_a_full_gateway_says_so_before_the_hand_shake(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, max_connections=1) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            with pytest.raises(InvalidStatus) as refused:
                async with browser(gateway.port):
                    pass
            assert refused.value.response.status_code == 503

    run(test)


def test_a_slow_reader_slows_the_desktop_and_fills_no_memory(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FloodingDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port, max_queue=1) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            await asyncio.sleep(1.5)
            sent = desktop.sent
            await asyncio.sleep(1)
            assert desktop.sent - sent < 1 << 20, "it goes on sending to a browser that reads not"
            assert sent < 24 << 20, "more than sockets hold is kept somewhere"
            gateway.admissions.endings[1] = Ending(ConnectionEnd.CUT)
            await until(lambda: bool(ends(gateway)))
            assert ends(gateway) == [ConnectionEnd.CUT]
            socket.transport.abort()

    run(test)


def test_a_reader_that_was_slow_gets_all_of_the_rest(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FloodingDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port, max_queue=1) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            for _ in range(3):
                await asyncio.sleep(0.5)
                got = 0
                while got < 16 << 20:
                    got += len(await socket.recv())

    run(test)


def test_a_hundred_connections_opened_and_abandoned_leave_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, BEGINNING) as desktop, running(desktop) as gateway:
            for _ in range(3):  # warm-up: caches, thread pools
                async with browser(gateway.port) as socket:
                    await admitted(socket)
            await until(lambda: desktop.open == 0)
            gc.collect()
            tasks, files = len(asyncio.all_tasks()), open_files()
            for number in range(100):
                async with browser(gateway.port) as socket:
                    if number % 3:
                        await admitted(socket)
                    if number % 3 == 1:
                        await socket.send(RECORDS[0][1])
                    socket.transport.abort()
            await until(lambda: gateway.gateway.count == 0 and desktop.open == 0)
            await until(lambda: open_files() <= files)
            await until(lambda: len(asyncio.all_tasks()) <= tasks)
            assert len(ends(gateway)) == 3 + 66
            assert set(ends(gateway)) <= {ConnectionEnd.LEFT, ConnectionEnd.SILENT}

    run(test)


def test_a_browser_that_draws_nothing_is_lent_acknowledgements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair_timers, "STALL_SECONDS", 0.3)
    acknowledged = bytes.fromhex("1600380000")  # length, pduType2, no compression

    async def test() -> None:
        records = [one for one in PICTURES if one[0] == 0 or b"\x38\x00\x00\x00" not in one[1]]
        async with (
            FakeDesktop(tmp_path, records) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await play(socket, records)
            await until(lambda: desktop.received.count(acknowledged) >= 2)

    run(test)
