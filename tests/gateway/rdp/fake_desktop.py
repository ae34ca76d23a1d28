"""A desktop that plays a recording: X.224, TLS with its own certificate, then its messages.

Faulty ones are named after their fault.
"""

import asyncio
import datetime
import hashlib
import ipaddress
import ssl
import struct
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.gateway.rdp import recorded
from webapp.gateway.rdp.pdu.framing import Splitter
from webapp.gateway.rdp.pdu.x224 import tpkt

CONFIRM = tpkt(bytes.fromhex("0ed000001234000201080001000000"))


class FakeDesktop:
    """Listens on a free port of 127.0.0.1 by default, and plays `records`."""

    def __init__(self, folder: Path, records: list[tuple[int, bytes]]) -> None:
        self.records = records
        self.received = bytearray()
        """The bytes received inside TLS, of all connections."""
        self.open = 0
        self.tls, self.certificate_sha256 = make_certificate(folder)
        self.host, self.port = "127.0.0.1", 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._attend, self.host, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self.negotiate(reader, writer)
            await self.play(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gateway may disconnect
        finally:
            self.open -= 1
            writer.transport.abort()

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(4)
        await reader.readexactly(struct.unpack(">H", header[2:])[0] - 4)
        writer.write(CONFIRM)
        await writer.start_tls(self.tls)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send each record after as many received PDUs as preceded it in the recording."""
        recording, incoming = Splitter(), Splitter()
        due = came = 0
        for direction, data in self.records:
            if direction == recorded.FROM_BROWSER:
                due += len(list(recording.feed(data)))
                continue
            while came < due:
                came += len(list(incoming.feed(await self._read(reader))))
            writer.write(data)
            await writer.drain()
        await self.afterwards(reader, writer)

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """After the recording, read until the gateway disconnects."""
        while data := await reader.read(1 << 16):
            self.received += data

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        data = await reader.read(1 << 16)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        self.received += data
        return data


class SilentDesktop(FakeDesktop):
    """Accepts connections and sends nothing."""

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()


class DesktopSilentInTls(FakeDesktop):
    """Agrees to TLS, but never sends its part of the handshake."""

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(4)
        await reader.readexactly(struct.unpack(">H", header[2:])[0] - 4)
        writer.write(CONFIRM)
        while data := await reader.read(1 << 16):
            self.received += data


class BabblingDesktop(FakeDesktop):
    """Answers with bytes that are not RDP."""

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 100)
        await self.afterwards(reader, writer)


class PlainDesktop(FakeDesktop):
    """Does not negotiate TLS."""

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(tpkt(bytes.fromhex("0ed000001234000301080005000000")))
        await reader.read()


class HastyDesktop(FakeDesktop):
    """Sends data before TLS is set up, which an attacker on the path could have sent."""

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(4)
        await reader.readexactly(struct.unpack(">H", header[2:])[0] - 4)
        writer.write(CONFIRM + tpkt(bytes.fromhex("02f0802180")))
        await writer.start_tls(self.tls)


class FloodingDesktop(FakeDesktop):
    """Sends pictures without end, as fast as they are read; `sent` counts the bytes."""

    sent = 0

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pdu = b"\x00\xbf\x00" + b"\x01" + struct.pack("<H", 0x3F00 - 6) + bytes(0x3F00 - 6)
        while True:
            writer.write(pdu)
            self.sent += len(pdu)
            await writer.drain()


class DepartingDesktop(FakeDesktop):
    """Ends with an MCS Disconnect Provider Ultimatum, like xrdp after a log-out."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(tpkt(bytes.fromhex("02f0802180")))
        await writer.drain()


class VanishingDesktop(FakeDesktop):
    """Closes the connection at the end without a message."""

    async def afterwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context with a fresh self-signed certificate, and its SHA-256 in hex."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "desktop")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / f"desktop-{x509.random_serial_number():x}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return context, hashlib.sha256(der).hexdigest()
