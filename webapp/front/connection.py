"""One connection: the client's socket, and the stand-in that gunicorn uses in its place."""

import socket
from typing import Any, BinaryIO

from webapp.front.inbox import Inbox
from webapp.front.outbox import Outbox

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """Owned by the loop while it waits for the client, and by a thread while that responds."""

    def __init__(self, client: socket.socket, address: str, now: float) -> None:
        self.socket = client
        self.address = address
        """The peer's address, without the port."""
        self.inbox = Inbox()
        self.outbox = Outbox()
        self.handled: Any = None
        """gunicorn's own object for the connection (`TConn`)."""
        self.deadline = 0.0
        self.waits_since = now
        self.is_idle = True
        """Whether no byte of a request has arrived yet."""
        self.has_head = False
        """Whether the head of a request has arrived and its body has not."""
        self.is_kept = False
        """Whether the connection stays open for another request after this response."""
        self.is_refused = False
        self.is_registered = False
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        self.outbox.close()
        self.socket.close()


class Buffered:
    """A socket that never blocks: it reads from the inbox and writes to the socket or the outbox.

    It has the socket methods that gunicorn uses.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def recv(self, size: int) -> bytes:
        return self._connection.inbox.read(size)

    def send(self, data: bytes) -> int:
        if data != CONTINUE:  # the loop has already sent this
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        sent = 0
        if not self._connection.outbox:
            try:
                sent = self._connection.socket.send(data)
            except BlockingIOError:
                sent = 0
        if sent < len(data):
            self._connection.outbox.add(bytes(data[sent:]))

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> int:
        if count is None:
            count = file.seek(0, 2) - offset
        if count:
            self._connection.outbox.add_file(file, offset, count)
        return count

    def setblocking(self, _flag: bool) -> None:
        """Do nothing: this socket never blocks."""

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: the loop enforces the deadlines."""

    def gettimeout(self) -> float | None:
        return None

    def shutdown(self, _how: int) -> None:
        """Do nothing: the loop closes the connection once everything is sent."""

    def close(self) -> None:
        """Do nothing, as in `shutdown`."""
