"""Load on an HTTP server: a number of clients that repeat a request after each response.

Uses little more than sockets, so that the client takes little of the two cores that it shares
with the server.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import quantiles

import uvloop


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""

    def text(self, host: str) -> bytes:
        """Return the request as sent over the wire."""
        headers = {"Host": host, **self.headers}
        if self.method != "GET":
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Loaded:
    """The results of one load."""

    per_second: float
    p50_ms: float
    p95_ms: float
    requests: int


class WrongAnswer(Exception):
    """A response has another status than the one that is measured."""


def load(
    port: int,
    make: Callable[[int], Ask],
    *,
    clients: int,
    seconds: float = 0,
    requests: int = 0,
    expected: int = 200,
) -> Loaded:
    """Send requests for `seconds` or up to a number; `make` gets the number of the request.

    Raises WrongAnswer at the first response with another status.
    """
    return uvloop.run(_load(port, make, clients, seconds, requests, expected))


async def _load(
    port: int,
    make: Callable[[int], Ask],
    clients: int,
    seconds: float,
    requests: int,
    expected: int,
) -> Loaded:
    times: list[float] = []
    numbers = itertools.count()
    began = time.monotonic()
    until = began + seconds if seconds else None

    async def client() -> None:
        plug = await _connect(port)
        while True:
            number = next(numbers)
            if number >= requests if until is None else time.monotonic() >= until:
                break
            asked = time.monotonic()
            try:
                status, must_close, body = await _ask(plug, make(number), port)
            except (asyncio.IncompleteReadError, ConnectionError):
                # servers close connections idle for two seconds, also just as we send
                plug = await _connect(port)
                status, must_close, body = await _ask(plug, make(number), port)
            if status != expected:
                raise WrongAnswer(f"{make(number).path}: {status} {body[:300]!r}")
            times.append(time.monotonic() - asked)
            if must_close:
                plug[1].close()
                plug = await _connect(port)
        plug[1].close()

    await asyncio.gather(*(client() for _ in range(clients)))
    cuts = quantiles(times, n=20)
    return Loaded(
        round(len(times) / (time.monotonic() - began), 1),
        round(cuts[9] * 1000, 1),
        round(cuts[18] * 1000, 1),
        len(times),
    )


Plug = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connect(port: int) -> Plug:
    return await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)


async def _ask(plug: Plug, ask: Ask, port: int) -> tuple[int, bool, bytes]:
    reader, writer = plug
    writer.write(ask.text(f"127.0.0.1:{port}"))
    return await _answer(reader)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    """Read a response: its status, whether the connection closes, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    must_close = b"connection: close" in head
    length = head.find(b"content-length: ")
    if length >= 0:
        size = int(head[length + 16 : head.index(b"\r\n", length)])
        return status, must_close, await reader.readexactly(size)
    if b"transfer-encoding: chunked" not in head:
        return status, must_close, b""
    parts = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return status, must_close, b"".join(parts)
