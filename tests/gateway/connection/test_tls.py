"""TLS to a desktop: data passes however it is cut, and records without any are few."""

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from tests.gateway.connection.test_overuse import ping
from tests.gateway.connection.tls_flooder import FLOODS, flooder, openssl_of
from tests.gateway.fake_browser import browser, play
from tests.gateway.gateways import running
from tests.gateway.rdp import recorded
from tests.gateway.rdp.fake_desktop import make_certificate
from tests.gateway.rdp.test_relay import admitted, closing, ends, run, until
from webapp.domain.connections.rules import ConnectionEnd
from webapp.gateway.connection.tls import LARGEST_DATA, Tls
from webapp.gateway.connection.tls_stream import TlsStream
from webapp.gateway.connection.wire import Overuse, ProtocolError
from webapp.gateway.rdp.desktop_link import CONTEXT

BEGINNING = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
PICTURE = bytes(range(256)) * 400


class Desktop:
    """The other end, without sockets."""

    def __init__(self, folder: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        context, self.certificate_sha256 = make_certificate(folder)
        context.maximum_version = newest
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def shake_hands(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()

    def says(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()


def connected(desktop: Desktop) -> Tls:
    """A connection whose handshake is over, with what the desktop sent after it taken."""
    tls = Tls(CONTEXT, 0.0)
    while not tls.is_open:
        tls.shake_hands()
        desktop.incoming.write(tls.encrypted(b""))
        desktop.shake_hands()
        tls.put(desktop.outgoing.read())
    desktop.shake_hands()
    tls.put(desktop.outgoing.read())
    assert taken(tls) == b""
    return tls


def taken(tls: Tls, now: float = 0.0) -> bytes:
    """The data of all records that wait."""
    data, buffer = b"", memoryview(bytearray(LARGEST_DATA))
    while tls.has_record and not tls.is_closed:
        data += buffer[: tls.read(buffer, now)]
    return data


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_data_passes_however_it_is_cut(tmp_path: Path, newest: ssl.TLSVersion, size: int) -> None:
    desktop = Desktop(tmp_path, newest)
    tls = connected(desktop)
    records, came = desktop.says(PICTURE), b""
    for place in range(0, len(records), size):
        tls.put(memoryview(records)[place : place + size])
        came += taken(tls)
    assert came == PICTURE


def test_a_paste_of_four_megabytes_is_encrypted_whole(tmp_path: Path) -> None:
    desktop = Desktop(tmp_path)
    tls = connected(desktop)
    paste = PICTURE * 41
    desktop.incoming.write(tls.encrypted(paste))
    came = b""
    while len(came) < len(paste):
        came += desktop.tls.read(1 << 20)
    assert came == paste


def test_a_desktop_that_closes_tls_is_noticed_after_its_last_data(tmp_path: Path) -> None:
    desktop = Desktop(tmp_path)
    tls = connected(desktop)
    last = desktop.says(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        desktop.tls.unwrap()
    tls.put(last + desktop.outgoing.read())
    assert taken(tls) == b"last"
    assert tls.is_closed


@pytest.mark.parametrize("kind", FLOODS)
def test_records_without_data_are_limited(tmp_path: Path, kind: str) -> None:
    """A hundred, and sixty more a minute; data between them does not start the count anew."""
    desktop = Desktop(tmp_path)
    tls = connected(desktop)
    for number in range(150):
        FLOODS[kind](openssl_of(desktop.tls))
        desktop.shake_hands()
        tls.put(desktop.says(b"x") if number % 2 else desktop.outgoing.read())
    assert taken(tls, now=60.0) == b"x" * 75
    FLOODS[kind](openssl_of(desktop.tls))
    desktop.shake_hands()
    tls.put(desktop.outgoing.read())
    with pytest.raises(Overuse, match="records without data"):
        taken(tls, now=10.0)


def test_a_record_that_is_too_large_is_not_waited_for(tmp_path: Path) -> None:
    tls = connected(Desktop(tmp_path))
    tls.put(b"\x17\x03\x03\xff\xff")
    with pytest.raises(ProtocolError, match="65535"):
        taken(tls)


def test_a_handshake_does_not_go_on_without_end() -> None:
    tls = Tls(CONTEXT, 0.0)
    tls.put(b"\x14\x03\x03\x00\x01\x01" * 10_000)
    with pytest.raises((ProtocolError, ssl.SSLError)):
        tls.shake_hands()


def test_a_record_that_comes_byte_by_byte_is_work_that_is_handed_over(tmp_path: Path) -> None:
    """The relay charges each call to the person, also those without data."""
    desktop = Desktop(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not desktop.tls.version():
            desktop.incoming.write(await reader.read(1 << 16))
            desktop.shake_hands()
            writer.write(desktop.outgoing.read())
        for byte in desktop.says(b"data"):
            await asyncio.sleep(0.01)
            writer.write(bytes([byte]))
        await writer.drain()
        writer.close()

    async def test() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            _, stream = await loop.create_connection(TlsStream, "127.0.0.1", port)
            await stream.start_tls(CONTEXT)
            came: list[bytes] = []
            await stream.pour(lambda data: came.append(bytes(data)))
            stream.abort()
            assert b"".join(came) == b"data"
            assert came[-1:] == [b"data"]
            assert len(came) > 2, "several reads, of which one ended the record"

    run(test)


@pytest.mark.parametrize("kind", FLOODS)
def test_a_desktop_that_floods_with_records_without_data_is_cut(tmp_path: Path, kind: str) -> None:
    """And others are answered meanwhile."""

    async def test() -> None:
        with flooder(kind, tmp_path) as desktop:
            async with running(desktop) as gateway, browser(gateway.port) as socket:
                await admitted(socket)
                await play(socket, BEGINNING)
                await ping(gateway.port)
                code, reason = await closing(socket)
                assert (code, reason.partition(":")[0]) == (4420, "overuse")
                await ping(gateway.port)
                await until(lambda: ends(gateway) == [ConnectionEnd.OVERUSE])

    run(test)
