"""Desktops for the gateway's benchmark: they play a recorded set-up, then stream or echo.

    python -m bench.rdp_stream KIND RATE FOLDER

KIND is `rdp` (with X.224 and the set-up) or `tls` (for peers without RDP). RATE is the bytes per
second of recorded pictures, 0 for as fast as the client reads, or `echo`. Prints its port.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from tests.gateway.rdp import recorded
from tests.gateway.rdp.fake_desktop import FakeDesktop
from webapp.gateway.rdp.pdu.framing import Splitter, is_fastpath

RECORDS = recorded.read("xfce-with-resize")
BEGINNING = recorded.beginning(RECORDS, 5_000)
#: A fast-path PDU (a null pointer update) that answers every input event.
ECHO = bytes.fromhex("0005050000")
LAST_OF_SURFACE_COMMANDS = 0x14
RECORD_GAP = 0.0002
"""xrdp encodes a picture while it sends it: a TLS record of 16 kB, then a short pause."""
LOOK_EVERY = 32


def pictures() -> Iterator[bytes]:
    """Yield the PDUs of the recorded pictures in a loop."""
    pdus = recorded.pdus(RECORDS, recorded.FROM_DESKTOP)
    return cycle([pdu for pdu in pdus if is_fastpath(pdu) and len(pdu) > 5])


def ends_picture(pdu: bytes) -> bool:
    """Whether a PDU is the last fragment of surface commands (MS-RDPBCGR 2.2.9.1.2.1)."""
    return pdu[3] == LAST_OF_SURFACE_COMMANDS


class StreamingDesktop(FakeDesktop):
    """Streams pictures at a rate, or echoes, after the set-up."""

    rate: int | None = 0
    """None to echo."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # the client has finished measuring
            await (echo(reader, writer) if self.rate is None else stream(writer, self.rate))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    splitter = Splitter()
    while data := await reader.read(1 << 16):
        for pdu in splitter.feed(data):
            if is_fastpath(pdu):
                writer.write(ECHO)


async def stream(writer: asyncio.StreamWriter, rate: int) -> None:
    """Stream the pictures record by record, with real pauses, at an average rate."""
    began, sent = time.monotonic(), 0
    for number, pdu in enumerate(pictures()):
        writer.write(pdu)
        sent += len(pdu)
        if number % LOOK_EVERY == 0:
            await asyncio.sleep(0)  # a TLS writer notices its peer's end only then
        await writer.drain()
        if rate:
            early = began + sent / rate - time.monotonic()
            if ends_picture(pdu) and early > 0:
                await asyncio.sleep(early)
            else:
                time.sleep(RECORD_GAP)


async def serve(kind: str, rate: str, folder: Path) -> None:
    desktop = StreamingDesktop(folder, BEGINNING)
    desktop.rate = None if rate == "echo" else int(rate)
    async with desktop:
        port = desktop.port
        if kind == "tls":
            server = await asyncio.start_server(desktop.afterwards, "127.0.0.1", 0, ssl=desktop.tls)
            port = server.sockets[0].getsockname()[1]
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
