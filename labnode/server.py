"""The HTTPS server: cheroot, with three properties that matter to Proxmox clients.

Head and body of a response are sent in one write (two cost 40 ms a request), a worker thread does
the TLS handshake (a stalled client does not block others), and the application can access the
socket (to drop the connection as a fault on demand).
"""

from __future__ import annotations

import io
import socket
import ssl
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.ssl import Adapter

THREADS, IDLE_S = 24, 30


class OneWriteRequest(HTTPRequest):
    """Collects the response and sends it in one write."""

    def respond(self) -> None:
        connection = self.conn
        socket_file, connection.wfile = connection.wfile, io.BytesIO()
        try:
            super().respond()
        finally:
            content, connection.wfile = connection.wfile.getvalue(), socket_file
        socket_file.write(content)


class Connection(HTTPConnection):
    """A connection that sends each response in one write."""

    RequestHandlerClass = OneWriteRequest


class Gateway(wsgi.Gateway_10):
    """Makes the socket available to the application."""

    def get_environ(self) -> Any:
        environ: Any = super().get_environ()  # type: ignore[no-untyped-call]  # cheroot's stubs
        return {**environ, "labnode.socket": self.req.conn.socket}


class Tls(Adapter):
    """TLS whose handshake happens at the first read, in a worker thread."""

    def __init__(self, certificate: Path, key: Path) -> None:
        super().__init__(str(certificate), str(key))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def bind(self, sock: Any) -> Any:
        """Return the plain listening socket; a restart gets the port while old connections end."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return sock

    def wrap(self, sock: Any) -> tuple[Any, dict[str, str]]:
        """Wrap an accepted socket without waiting for the client."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, self.get_environ()

    def get_environ(self) -> dict[str, str]:
        """Return the WSGI environment variables for TLS."""
        return {"wsgi.url_scheme": "https", "HTTPS": "on"}

    def makefile(self, sock: Any, mode: str = "r", bufsize: int = -1) -> Any:
        """Return a file object for the socket."""
        return MakeFile(sock, mode, io.DEFAULT_BUFFER_SIZE)


def make_server(
    host: str, port: int, application: Any, certificate: Path, key: Path
) -> wsgi.Server:
    """Return a bound server that does not serve yet; raise OSError if the address is taken."""
    server = wsgi.Server((host, port), application, numthreads=THREADS, timeout=IDLE_S)
    server.gateway = Gateway
    server.ConnectionClass = Connection
    server.ssl_adapter = Tls(certificate, key)
    server.request_queue_size = 128
    server.keep_alive_conn_limit = 256
    server.prepare()
    return server
