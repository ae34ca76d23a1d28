"""The delays of legitimate users beside hostile neighbours: benchmarks a gateway under attack.

Fifty busy connections press a key ten times a second and wait for its result, alone and
beside a hostile browser and a hostile desktop at full speed. `python -m bench.hostile` runs it
alone; `python -m bench.gateway` has it too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from bench.raw_browser import BEGINNING, INPUT, ORIGIN
from bench.rdp_roles import MARK
from tests.gateway.fake_browser import play, rdcleanpath_request

HONEST = 50
KEYS_A_SECOND = 10
GIVEN_UP = 30.0
LEAST_PRIORITY = 19
ATTACKERS_START_S = 30
FLOOD = bytes.fromhex("040360") * ((4 << 20) // 3 - 1)
"""One message of three-byte input PDUs, of the maximum size of a message."""
_MARK_HEAD = MARK.pack(0, MARK.size, 8, 4, 0, 0)[:5]
Latencies = list[float]


@contextlib.contextmanager
def role(name: str, folder: Path) -> Iterator[int]:
    """Run a desktop of this role in its own process; yield its port."""
    from bench.gateway import desktop

    with desktop(name, str(folder), module="bench.rdp_roles") as port:
        yield port


class Keys:
    """One legitimate user: presses keys, and waits for the mark of each before the next."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._marks: asyncio.Queue[None] = asyncio.Queue()

    def came(self, data: bytes) -> None:
        for _ in range(data.count(_MARK_HEAD)):
            self._marks.put_nowait(None)

    async def press(self, seconds: float) -> Latencies:
        """Press keys at a steady pace; a missing answer counts as GIVEN_UP and ends the run."""
        took: Latencies = []
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            try:
                async with asyncio.timeout(GIVEN_UP):
                    await self._send(INPUT)
                    await self._marks.get()
            except (TimeoutError, ConnectionClosed):
                return [*took, GIVEN_UP]
            took.append(time.perf_counter() - began)
            await asyncio.sleep(max(0, 1 / KEYS_A_SECOND - took[-1]))
        return took


@contextlib.asynccontextmanager
async def through_gateway(port: int) -> AsyncIterator[Keys]:
    socket = await browser(port)
    await sign_in(socket, "try-us")
    keys = Keys(socket.send)

    async def read() -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                keys.came(message if isinstance(message, bytes) else b"")

    reading = asyncio.create_task(read())
    try:
        yield keys
    finally:
        reading.cancel()
        socket.transport.abort()  # a frozen gateway would not close the connection


@contextlib.asynccontextmanager
async def straight(port: int) -> AsyncIterator[Keys]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)

    async def send(data: bytes) -> None:
        writer.write(data)

    keys = Keys(send)

    async def read() -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                keys.came(data)

    reading = asyncio.create_task(read())
    try:
        yield keys
    finally:
        reading.cancel()
        writer.transport.abort()


def browser(port: int) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}/gateway/rdp",
        origin=Origin(ORIGIN),
        compression=None,
        max_size=None,
        ping_interval=None,
    )


async def sign_in(socket: ClientConnection, ticket: str) -> None:
    await socket.send(rdcleanpath_request(ticket))
    await socket.recv()
    await play(socket, BEGINNING)


# -- the attackers ----------------------------------------------------------------------------


async def flood(port: int, ticket: str) -> None:
    """Act as a browser that sends without a pause and reconnects after each disconnect."""
    while True:
        with contextlib.suppress(ConnectionClosed, OSError):
            async with browser(port) as socket:
                await sign_in(socket, ticket)
                while True:
                    await socket.send(FLOOD)
                    await asyncio.sleep(0)  # a connection notices its end only then
        await asyncio.sleep(0.2)


async def accomplice(port: int, ticket: str) -> None:
    """Act as the browser of a hostile desktop: read everything."""
    while True:
        with contextlib.suppress(ConnectionClosed, OSError):
            async with browser(port) as socket:
                await sign_in(socket, ticket)
                async for _ in socket:
                    pass
        await asyncio.sleep(0.2)


def attack(port: int, sink: int, hostile: int, is_ready: Event, may_begin: Event) -> None:
    """Run the attack in its own process until it is terminated."""
    os.nice(LEAST_PRIORITY)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(flood(port, f"try-us@{sink}"))
            group.create_task(accomplice(port, f"try-us@{hostile}"))

    is_ready.set()
    may_begin.wait()
    uvloop.run(both())


@contextlib.contextmanager
def attackers(port: int, folder: Path) -> Iterator[Event]:
    """Run processes that attack as soon as the event is set.

    They have the lowest priority, because real attackers do not share the gateway's processor:
    the measured delay is then the gateway's work alone.
    """
    with role("sink", folder) as sink, role("hostile", folder) as hostile:
        spawn = multiprocessing.get_context("spawn")
        is_ready, may_begin = spawn.Event(), spawn.Event()
        arguments = (port, sink, hostile, is_ready, may_begin)
        process = spawn.Process(target=attack, args=arguments, daemon=True)
        process.start()
        try:
            if not is_ready.wait(ATTACKERS_START_S):
                raise TimeoutError("the attackers did not start")
            yield may_begin
        finally:
            process.kill()
            process.join()


# -- the measurement --------------------------------------------------------------------------


def measure(folder: Path, seconds: float) -> dict[str, object]:
    """Return milliseconds from a key to its mark: direct, through the gateway, and under attack."""
    from bench.gateway import gateway

    with role("busy-tls", folder) as target:
        direct = uvloop.run(pressed(lambda: straight(target), seconds))
    with role("busy", folder) as target, gateway(target, folder) as (_, port):
        alone = uvloop.run(pressed(lambda: through_gateway(port), seconds))
        with attackers(port, folder) as may_begin:
            attacked = uvloop.run(pressed(lambda: through_gateway(port), seconds, may_begin))
    return {
        "connections": HONEST,
        "direct": summary(direct),
        "through": summary(alone) | added(alone, direct),
        "under_attack": summary(attacked) | added(attacked, direct),
    }


Connect = Callable[[], contextlib.AbstractAsyncContextManager[Keys]]


async def pressed(connect: Connect, seconds: float, attack: Event | None = None) -> Latencies:
    """Return the delays of all legitimate users, who connect before the attack begins."""
    async with contextlib.AsyncExitStack() as stack:
        people = [await stack.enter_async_context(connect()) for _ in range(HONEST)]
        await asyncio.sleep(1)  # input that arrives with the set-up is not counted as a key
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(press_from(one, n, seconds)) for n, one in enumerate(people)]
            if attack:
                attack.set()
        return [one for run in runs for one in run.result()]


async def press_from(person: Keys, number: int, seconds: float) -> Latencies:
    """Spread the users over the interval between two keys: they do not press simultaneously."""
    await asyncio.sleep(number / HONEST / KEYS_A_SECOND)
    return await person.press(seconds)


def summary(took: Latencies) -> dict[str, float]:
    p99 = quantiles(took, n=100)[98]
    return {
        "keys": len(took),
        "median_ms": milliseconds(median(took)),
        "p99_ms": milliseconds(p99),
        "longest_ms": milliseconds(max(took)),
    }


def added(took: Latencies, direct: Latencies) -> dict[str, float]:
    p99 = quantiles(took, n=100)[98] - quantiles(direct, n=100)[98]
    middle = median(took) - median(direct)
    return {"added_median_ms": milliseconds(middle), "added_p99_ms": milliseconds(p99)}


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winux-bench-") as name:
        sys.stdout.write(json.dumps(measure(Path(name), options.seconds), indent=2) + "\n")


if __name__ == "__main__":
    main()
