"""One connection: the client's socket, and what gunicorn takes for it while a thread answers."""

import socket
from typing import Any, BinaryIO

from webapp.front.inbox import Inbox
from webapp.front.outbox import Outbox

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """Belongs to the loop while its client is waited for, and to a thread while it is answered."""

    def __init__(self, client: socket.socket, address: str, now: float) -> None:
        self.socket = client
        self.address = address
        """The peer's, without its port."""
        self.inbox = Inbox()
        self.outbox = Outbox()
        self.handled: Any = None
        """What gunicorn keeps of the connection."""
        self.deadline = 0.0
        self.waits_since = now
        self.is_idle = True
        """Nothing of a request came yet."""
        self.has_head = False
        """The head of a request came, and its body is waited for."""
        self.is_kept = False
        """After this answer another request may come."""
        self.is_refused = False
        self.is_registered = False
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        self.outbox.close()
        self.socket.close()


class Buffered:
    """A socket that never blocks: reads what came already, keeps what the client cannot take yet.

    It has those methods of a socket that gunicorn uses.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def recv(self, size: int) -> bytes:
        return self._connection.inbox.read(size)

    def send(self, data: bytes) -> int:
        if data != CONTINUE:  # that was said when the head was there
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
        """It never blocks."""

    def settimeout(self, _seconds: float | None) -> None:
        """The loop watches the time."""

    def gettimeout(self) -> float | None:
        return None

    def shutdown(self, _how: int) -> None:
        """The loop ends the connection, when all was sent."""

    def close(self) -> None:
        """As `shutdown`."""
