"""One plain HTTP request and its response, which may be a stream; then the connection closes.

The gateway serves WebSockets and, through this module, event streams.
`webapp/gateway/connection/port_sniffer.py` routes each connection to one of the two.
"""

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, cast
from urllib.parse import urlsplit

import h11

from webapp.gateway.connection.port_sniffer import PortSniffer
from webapp.gateway.events.problem import CONTENT_TYPE

LARGEST_HEAD = 16 << 10
"""Bytes of the request line and headers."""
HEAD_SECONDS = 10.0
"""From the accepted connection to the end of the headers."""
UNSENT_BYTES = 64 << 10
"""A client with more unsent bytes than this, not counting the kernel's buffer, is dropped."""
_KERNEL_BYTES = 32 << 10
DEAD_MS = 60_000
"""A peer that acknowledges nothing for this long is gone (TCP_USER_TIMEOUT)."""
_CHATTER_BYTES = 4096
"""Bytes that a client may send after its request; they are ignored."""

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """A request; header names are in lower case, repeated headers are joined with commas."""

    method: str
    path: str
    headers: Headers
    peer: str


class RequestHandler(Protocol):
    """Answers requests. No method blocks."""

    def on_request(self, exchange: "Exchange", request: Request) -> None:
        """Called when a request is complete."""

    def on_close(self, exchange: "Exchange") -> None:
        """Called when the connection is closed, for whatever reason."""


class Exchange(asyncio.Protocol):
    """An HTTP connection for one request."""

    def __init__(self, handler: RequestHandler, sniffer: PortSniffer) -> None:
        self._handler = handler
        self.sniffer = sniffer
        """The `PortSniffer` that accepted the connection."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._peer = ""
        self._received = 0

    # -- called by asyncio ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(UNSENT_BYTES)
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        if plug := transport.get_extra_info("socket"):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_MS)
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._too_slow)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._timer is None:
            if self._received > LARGEST_HEAD + _CHATTER_BYTES:
                self.drop()
            return
        try:
            # h11 applies its limit to incomplete heads only; a complete one can arrive in one read
            if self._received > LARGEST_HEAD:
                raise h11.RemoteProtocolError("the head is too long", error_status_hint=431)
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._stop_timer()
            self.refuse(error.error_status_hint, _SENTENCES.get(error.error_status_hint, _BAD))
            return
        if isinstance(event, h11.Request):
            self._stop_timer()
            self._handler.on_request(self, _request(event, self._peer))

    def pause_writing(self) -> None:
        """Drop the connection: more than UNSENT_BYTES are buffered, the client is too slow."""
        self.drop()

    def connection_lost(self, _error: Exception | None) -> None:
        self._stop_timer()
        self._transport = None
        self.sniffer.admit()
        self._handler.on_close(self)

    # -- responses ------------------------------------------------------------------------------

    def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole response, then close the connection."""
        self.begin(status, {**headers, "content-length": str(len(body))})
        self.send(body)
        self.end()

    def refuse(self, status: int, detail: str) -> None:
        """Answer a request that could not be parsed."""
        problem = {"type": "about:blank", "status": status, "detail": detail}
        self.answer(status, {"content-type": CONTENT_TYPE}, json.dumps(problem).encode())

    def begin(self, status: int, headers: Headers) -> None:
        """Send the head of a response whose body follows with `send`."""
        fields = [*headers.items(), ("connection", "close")]
        self._write(
            h11.Response(
                status_code=status, headers=fields, reason=HTTPStatus(status).phrase.encode()
            )
        )

    def send(self, body: bytes) -> None:
        """Send a part of the body; do nothing if the client has left."""
        self._write(h11.Data(data=body))

    def end(self) -> None:
        """End the body; close the connection once everything is sent."""
        self._write(h11.EndOfMessage())
        if self._transport:
            self._transport.close()

    def drop(self) -> None:
        """Close the connection at once and discard unsent data."""
        if self._transport:
            self._transport.abort()

    # -- parts ----------------------------------------------------------------------------------

    def _write(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if data := self._http.send(event):
            self._transport.write(data)

    def _too_slow(self) -> None:
        self._timer = None
        self.refuse(408, "The request did not come to its end in time.")

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


_BAD = "This is no HTTP request."
_SENTENCES = {431: f"The headers have more than {LARGEST_HEAD} bytes."}


def _request(request: h11.Request, peer: str) -> Request:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        word, text = name.decode("ascii"), value.decode("latin-1")
        joint = "; " if word == "cookie" else ", "
        headers[word] = f"{headers[word]}{joint}{text}" if word in headers else text
    target = request.target.decode("ascii")
    return Request(request.method.decode("ascii"), urlsplit(target).path, headers, peer)
