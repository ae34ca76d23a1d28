"""A desktop that plays a recording, then sends TLS records without data as fast as they are taken.

    python -m tests.gateway.connection.tls_flooder KIND FOLDER

Python cannot send such records, so OpenSSL is called on the socket's own connection. KIND is a name
in `FLOODS`. A program of its own, so that the flood takes nothing from the gateway's interpreter.
Prints its port and the SHA-256 of its certificate; serves one connection.
"""

import contextlib
import ctypes
import ctypes.util
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.rdp import recorded
from tests.gateway.rdp.fake_desktop import CONFIRM, make_certificate
from webapp.gateway.rdp.pdu.framing import Splitter

BEGINNING = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
_KEY_UPDATE_REQUESTED = 1
_openssl = ctypes.CDLL(ctypes.util.find_library("ssl"))


class _SslSocket(ctypes.Structure):
    """The beginning of CPython's `PySSLSocket`."""

    _fields_ = (
        ("references", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("socket", ctypes.c_void_p),
        ("ssl", ctypes.c_void_p),
    )


def openssl_of(connection: ssl.SSLSocket | ssl.SSLObject) -> ctypes.c_void_p:
    """OpenSSL's own connection."""
    inner = connection._sslobj  # type: ignore[union-attr]  # not public
    return ctypes.c_void_p(_SslSocket.from_address(id(inner)).ssl)


def key_update(connection: ctypes.c_void_p) -> None:
    """Make the peer derive new keys, and answer with new keys of its own."""
    _openssl.SSL_key_update(connection, _KEY_UPDATE_REQUESTED)


def session_ticket(connection: ctypes.c_void_p) -> None:
    """Give the peer one more ticket with which it could resume the session."""
    _openssl.SSL_new_session_ticket(connection)


FLOODS: dict[str, Callable[[ctypes.c_void_p], None]] = {
    "key updates": key_update,
    "session tickets": session_ticket,
}


@dataclass(frozen=True)
class Flooder:
    """Where the program listens."""

    port: int
    certificate_sha256: str


@contextlib.contextmanager
def flooder(kind: str, folder: Path) -> Iterator[Flooder]:
    """Run the program for the block."""
    command = [sys.executable, "-m", __name__, kind, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port, fingerprint = process.stdout.readline().split()
            yield Flooder(int(port), fingerprint)
        finally:
            process.kill()


def serve(kind: str, folder: Path) -> None:
    context, fingerprint = make_certificate(folder)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]} {fingerprint}\n")
        sys.stdout.flush()
        plain, _ = listener.accept()
    plain.recv(1024)
    plain.sendall(CONFIRM)
    with context.wrap_socket(plain, server_side=True) as tls:
        play(tls)
        send_nothing(tls, FLOODS[kind])


def play(tls: ssl.SSLSocket) -> None:
    """Send each record once as many PDUs came as came before it in the recording."""
    recording, incoming = Splitter(), Splitter()
    due = came = 0
    for direction, data in BEGINNING:
        if direction == recorded.FROM_BROWSER:
            due += len(list(recording.feed(data)))
            continue
        while came < due:
            came += len(list(incoming.feed(tls.recv(1 << 16))))
        tls.sendall(data)


def send_nothing(tls: ssl.SSLSocket, make: Callable[[ctypes.c_void_p], None]) -> None:
    connection = openssl_of(tls)
    while True:
        make(connection)
        tls.do_handshake()  # sends the record


if __name__ == "__main__":
    with contextlib.suppress(OSError):  # the gateway went away, which is its right
        serve(sys.argv[1], Path(sys.argv[2]))
