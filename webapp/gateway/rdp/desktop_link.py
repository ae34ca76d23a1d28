"""The gateway's connection to a desktop: TCP, X.224 negotiation, TLS to one pinned certificate."""

import asyncio
import contextlib
import hashlib
import hmac
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

from webapp.domain.connections.rules import ConnectionEnd
from webapp.gateway.connection.admission import Refusal
from webapp.gateway.connection.tls_stream import TlsStream
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.pdu import x224

_UNACKNOWLEDGED_MS = 15_000
"""A desktop that acknowledges nothing for this long is gone (half-open connection)."""
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


@dataclass(frozen=True)
class DesktopLink:
    """The RDP stream of a desktop that has shown the right certificate."""

    stream: TlsStream
    confirm: bytes
    """Its X.224 Connection Confirm."""
    certificate: bytes
    """DER."""


@contextlib.asynccontextmanager
async def desktop_link(
    address: str, port: int, certificate_sha256: str, timeout: float
) -> AsyncIterator[DesktopLink]:
    """Connect; close the socket on exit in every case. Raises Refusal."""
    try:
        async with asyncio.timeout(timeout):
            loop = asyncio.get_running_loop()
            _, stream = await loop.create_connection(TlsStream, address, port)
    except OSError as error:  # TimeoutError is one
        raise Refusal(ConnectionEnd.UNREACHABLE) from error
    try:
        _keep_alive(stream)
        async with asyncio.timeout(timeout):
            confirm, certificate = await _negotiate(stream)
        if not hmac.compare_digest(hashlib.sha256(certificate).hexdigest(), certificate_sha256):
            raise Refusal(ConnectionEnd.CERTIFICATE)
        yield DesktopLink(stream, confirm, certificate)
    except (ProtocolError, asyncio.IncompleteReadError, OSError) as error:  # a TLS failure is one
        raise Refusal(ConnectionEnd.UNREACHABLE) from error
    finally:
        # RDP marks its own end, so do not wait for a TLS close_notify from a dead desktop.
        stream.abort()


async def _negotiate(stream: TlsStream) -> tuple[bytes, bytes]:
    """Set up TLS; return the desktop's Connection Confirm and its certificate."""
    stream.write(x224.connection_request())
    header = await stream.read_exactly(x224.TPKT_HEADER)
    confirm = header + await stream.read_exactly(x224.confirm_length(header) - len(header))
    x224.check_confirm(confirm)
    return confirm, await stream.start_tls(CONTEXT)


def _context() -> ssl.SSLContext:
    """Return a TLS context that verifies nothing: certificates are self-signed, without names.

    `desktop_link` compares the certificate with the pinned one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Limit the processor time that a hostile desktop can cost: a 10,000-bit DH group blocks the
    # event loop for seconds, and TLS renegotiation can be requested over and over.
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_ecdh_curve("prime256v1")
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


CONTEXT = _context()


def _keep_alive(stream: TlsStream) -> None:
    assert stream.transport is not None  # noqa: S101 (it is connected)
    sock: socket.socket = stream.transport.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
