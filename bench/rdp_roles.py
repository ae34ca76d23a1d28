"""Desktops for the benchmark with hostile neighbours, one kind in each process.

    python -m bench.rdp_roles ROLE FOLDER

ROLE is `busy` (pictures all the time, and a mark back for each key), `busy-tls` (the same without
RDP before it), `sink` (discards all input) or `hostile` (updates whose regions are as costly as
their format allows, as fast as the client reads). Prints its port.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from pathlib import Path

from bench.rdp_stream import BEGINNING, pictures
from tests.gateway.rdp.fake_desktop import FakeDesktop
from tests.gateway.rdp.remotefx_messages import message, pdus_of
from webapp.gateway.rdp.pdu.framing import Splitter, is_fastpath
from webapp.gateway.rdp.pdu.remotefx import Rectangle

BUSY_RATE = 100_000
"""Bytes of pictures per second: a terminal that scrolls slowly, or a person at work."""
BURST_SECONDS = 0.1
MARK = struct.Struct("<BBBHHH")
"""A fast-path PDU with a pointer position (MS-RDPBCGR 2.2.9.1.2.1.5) that acknowledges a key."""


def mark(number: int) -> bytes:
    return MARK.pack(0, MARK.size, 8, 4, number & 0xFFFF, number >> 16)


class BusyDesktop(FakeDesktop):
    """Streams pictures, and answers each key with a numbered mark."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = asyncio.create_task(busy_stream(writer))
        try:
            with contextlib.suppress(OSError):
                await answer_keys(reader, writer)
        finally:
            stream.cancel()


class HostileDesktop(FakeDesktop):
    """Sends regions with the maximum number and size of rectangles, without a pause."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flood = costly_updates()
        with contextlib.suppress(OSError):
            while True:
                writer.write(flood)
                await writer.drain()
                await asyncio.sleep(0)


def costly_updates() -> bytes:
    """Return about 100 kB of costly updates."""
    region = [Rectangle(n % 63 + 1, n % 61 + 1, 65_000, 65_000) for n in range(1000)]
    pdus = [huge(pdu) for pdu in pdus_of(message(region, []))]
    return b"".join(pdus) * 12


def huge(pdu: bytes) -> bytes:
    """Return an update for a screen of the maximum size that the fields allow."""
    return pdu[:20] + struct.pack("<HH", 0xFFFF, 0xFFFF) + pdu[24:]


async def busy_stream(writer: asyncio.StreamWriter) -> None:
    source = pictures()
    loop = asyncio.get_running_loop()
    due, sent, began = 0.0, 0, loop.time()
    while True:
        due += BUSY_RATE * BURST_SECONDS
        while sent < due:
            pdu = next(source)
            writer.write(pdu)
            sent += len(pdu)
        await writer.drain()
        await asyncio.sleep(max(0, began + due / BUSY_RATE - loop.time()))


async def answer_keys(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    splitter, number = Splitter(), 0
    while data := await reader.read(1 << 16):
        for pdu in splitter.feed(data):
            if is_fastpath(pdu):
                writer.write(mark(number))
                number += 1


class SinkDesktop(FakeDesktop):
    """Reads input as fast as possible, and discards it."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1 << 20):
            pass


HOSTILE_ROLES = ("hostile", "sink")
ROLES = {"busy": BusyDesktop, "hostile": HostileDesktop, "sink": SinkDesktop}


async def serve(role: str, folder: Path) -> None:
    desktop = ROLES[role.removesuffix("-tls")](folder, BEGINNING)
    async with desktop:
        port = desktop.port
        if role.endswith("-tls"):
            server = await asyncio.start_server(desktop.afterwards, "127.0.0.1", 0, ssl=desktop.tls)
            port = server.sockets[0].getsockname()[1]
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] in HOSTILE_ROLES:
        os.nice(19)  # see `attackers` in bench.hostile
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
