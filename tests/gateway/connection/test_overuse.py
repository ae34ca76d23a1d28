"""A connection that causes much work does not affect others, and is finally closed."""

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.gateway.fake_browser import browser, play
from tests.gateway.gateways import running
from tests.gateway.rdp import recorded
from tests.gateway.rdp.fake_desktop import FakeDesktop
from tests.gateway.rdp.remotefx_messages import SCREEN
from tests.gateway.rdp.test_relay import admitted, closing, ends, run, until
from tests.gateway.rdp.test_work import costly_region
from webapp.domain.connections.rules import ConnectionEnd
from webapp.gateway.connection.allowance import USUAL, Allowance, Limits
from webapp.gateway.connection.frames import Frames
from webapp.gateway.rdp.desktop_link import desktop_link

BEGINNING = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
FLOOD = bytes.fromhex("040360") * ((4 << 20) // 3 - 1)
STRICT = Limits(share=0.003, burst_seconds=0.05, patience_seconds=1)
"""A share that an attack exceeds on the slowest machine."""
GENEROUS = 10.0
"""Maximum seconds for an answer on a busy machine; without the budget it took over a minute."""


class CostlyDesktop(FakeDesktop):
    """Sends regions with the maximum number of huge rectangles, without a pause."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flood = costly_region(250, screen=SCREEN)
        while True:
            writer.write(flood)
            await writer.drain()
            await asyncio.sleep(0)


async def ping(port: int) -> None:
    """Requests what the page requests before it connects."""
    async with asyncio.timeout(GENEROUS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /gateway/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in await reader.readuntil(b"\r\n")
        writer.transport.abort()


def test_four_megabytes_of_small_input_stop_nobody_else(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            await socket.send(FLOOD)
            for _ in range(5):
                await ping(gateway.port)
                await asyncio.sleep(0.1)
            socket.transport.abort()

    run(test)


def test_costly_pictures_stop_nobody_else_and_are_cut_with_a_reason(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            CostlyDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, limits=STRICT) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            pings = asyncio.create_task(ping(gateway.port))
            assert await closing(socket) == (4420, "overuse")
            await pings
            await until(lambda: ends(gateway) == [ConnectionEnd.OVERUSE])
            traffic = gateway.admissions.closed[0][0]
            assert traffic.cpu_ms >= 1000 * STRICT.burst_seconds
            assert traffic.was_slowed

    run(test)


def test_of_a_persons_connections_the_one_that_uses_most_is_cut(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, limits=STRICT) as gateway,
            browser(gateway.port) as quiet,
            browser(gateway.port) as loud,
        ):
            gateway.admissions.person_id = 7
            for socket in (quiet, loud):
                await admitted(socket)
                await play(socket, BEGINNING)
            flood = asyncio.create_task(send_for_ever(loud))
            assert await closing(loud) == (4420, "overuse")
            await flood
            await quiet.send(bytes.fromhex("0404001e"))
            assert quiet.close_code is None

    run(test)


async def send_for_ever(socket: object) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.send(FLOOD)  # type: ignore[attr-defined]  # a client of `websockets`


@pytest.mark.parametrize("what", ["pings", "empty messages", "empty fragments"])
def test_frames_without_end_do_not_stop_others(tmp_path: Path, what: str) -> None:
    frame = {"pings": 0x89, "empty messages": 0x82, "empty fragments": 0x00}[what]
    frames = bytes([frame, 0x80, 0, 0, 0, 0]) * 10_000

    async def test() -> None:
        async with (
            FakeDesktop(tmp_path, BEGINNING) as desktop,
            running(desktop, limits=STRICT) as gateway,
            browser(gateway.port) as socket,
        ):
            await admitted(socket)
            await play(socket, BEGINNING)
            if what == "empty fragments":
                socket.transport.write(bytes([0x02, 0x80, 0, 0, 0, 0]))
            for _ in range(20):
                socket.transport.write(frames)
                await ping(gateway.port)
            async with asyncio.timeout(GENEROUS):
                while not ends(gateway):
                    await asyncio.sleep(0.01)

    run(test)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_few_frames_are_taken_at_a_time_however_they_come(size: int) -> None:
    stream = b"\x82\x83abcdxyz" * 5 + b"\x82\xfe\x01\x00abcd" + bytes(256) + b"\x89\x80abcd"
    frames, taken, rest, turns = Frames(), 0, bytearray(), 0
    for place in range(0, len(stream), size):
        rest += stream[place : place + size]
        while rest:
            count = frames.cut(rest, 2)
            taken, turns = taken + count, turns + 1
            del rest[:count]
    assert taken == len(stream)
    assert turns >= 4
    assert frames.controls == 1


# -- the share --------------------------------------------------------------------------------


def test_who_uses_more_than_the_share_rests_until_it_is_made_up() -> None:
    allowance = Allowance(0.0)
    assert allowance.spend(USUAL.burst_seconds, 0.0) == 0
    rest = allowance.spend(0.015, 0.0)
    assert rest == pytest.approx(0.015 / USUAL.share)
    assert allowance.spend(0.0, rest) == pytest.approx(0, abs=1e-9)


def test_a_busy_desktop_is_never_slowed_and_an_attack_is_over_after_a_minute() -> None:
    honest, attack = Allowance(0.0), Allowance(0.0)
    now = attacked = 0.0
    while not attack.is_abused(attacked):
        attacked += attack.spend(0.001, attacked)
        assert attacked < USUAL.patience_seconds + 2
    while now < 600:
        now += 0.1
        assert honest.spend(0.1 * USUAL.share / 2, now) == 0
        assert not honest.is_abused(now)


# -- TLS --------------------------------------------------------------------------------------


def test_a_desktop_cannot_choose_a_costly_group(tmp_path: Path) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, BEGINNING) as desktop:
            desktop.tls.set_ecdh_curve("secp521r1")
            with pytest.raises(Exception, match="unreachable"):
                async with desktop_link(
                    "127.0.0.1", desktop.port, desktop.certificate_sha256, GENEROUS
                ):
                    pass

    run(test)


def test_no_hand_shake_with_finite_fields_is_offered() -> None:
    from webapp.gateway.rdp.desktop_link import CONTEXT

    kinds = {cipher["kea"] for cipher in CONTEXT.get_ciphers()}
    assert kinds == {"kx-ecdhe", "kx-any"}, "kx-any: TLS 1.3, of which the group is one curve"
    assert CONTEXT.options & ssl.OP_NO_RENEGOTIATION


# -- IPv4 and IPv6 ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "reached"),
    [("::", ["127.0.0.1", "::1"]), ("::1", ["::1"]), ("0.0.0.0", ["127.0.0.1"])],
)
def test_all_addresses_of_ipv6_answer_ipv4_too(
    tmp_path: Path, host: str, reached: list[str]
) -> None:
    async def test() -> None:
        async with FakeDesktop(tmp_path, []) as desktop, running(desktop, host=host) as gateway:
            for address in reached:
                _, writer = await asyncio.open_connection(address, gateway.port)
                writer.transport.abort()

    run(test)
