"""gunicorn's worker: one loop waits for all clients; threads only handle complete requests.

A client that sends slowly, sends nothing or reads slowly costs a file descriptor and a buffer,
never a thread. If there are too many connections, the one that has waited longest is dropped.
"""

import errno
import resource
import selectors
import socket
import sys
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from webapp.front.connection import CONTINUE, Buffered, Connection
from webapp.front.inbox import Stage
from webapp.front.waiting_connections import WaitingConnections

FIRST_BYTE_SECONDS = 10.0
HEAD_SECONDS = 15.0
BODY_SECONDS = 30.0
"""For the whole body, even if bytes keep arriving."""
READ_SECONDS = 30.0
"""Timeout of a client that reads nothing of its response."""
LINGER_SECONDS = 2.0
STOP_SECONDS = 2.0
"""Time that a stopping worker leaves for incomplete requests."""
LOOK_SECONDS = 0.5
_AT_ONCE = 64 * 1024
_MOST_ACCEPTED = 64
_WANTED_FILES = 8192
_FILES_OF_OURS = 100
_FILES_EACH = 3
"""File descriptors of a connection: the socket, a file to send, and a temporary file."""
_GONE = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
_NO_FILES = (errno.EMFILE, errno.ENFILE)

TOO_SLOW = "408 Request Timeout"
TOO_LONG = "431 Request Header Fields Too Large"


class BufferingWorker(ThreadWorker):
    """Receives requests and sends responses in the loop."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Exit unless configured for HTTP/1.1 without TLS; a reverse proxy provides the rest."""
        if cfg.is_ssl or cfg.protocol != "http" or cfg.proxy_protocol != "off":
            sys.exit("winux web: TLS and other protocols are for the reverse proxy in front.")

    def init_process(self) -> None:
        self._waiting_connections = WaitingConnections()
        self._looked_at = 0.0
        self.worker_connections: int = min(self.cfg.worker_connections, _most_connections())
        super().init_process()

    # -- accepting connections ------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        """Accept pending connections; drop the one that waited longest if the worker is full."""
        for _ in range(_MOST_ACCEPTED):
            if self.nr_conns >= self.worker_connections - 1:
                self._make_room()
            if self.nr_conns >= self.worker_connections:
                return
            try:
                client, address = listener.accept()
            except OSError as error:
                if error.errno in _NO_FILES:
                    self._make_room()
                elif error.errno not in _GONE:
                    raise
                return
            self._welcome(client, address, listener.getsockname())

    def _welcome(self, client: socket.socket, address: Any, server: Any) -> None:
        client.setblocking(False)
        host = address[0] if isinstance(address, tuple) else ""
        one = Connection(client, host, time.monotonic())
        one.handled = TConn(self.cfg, Buffered(one), address, server)
        one.handled.data_ready = True
        self.nr_conns += 1
        self._wait_for_request(one, FIRST_BYTE_SECONDS)

    def _make_room(self) -> None:
        if one := self._waiting_connections.longest_waiting():
            self._drop(one)

    # -- receiving a request --------------------------------------------------------------------

    def _wait_for_request(self, one: Connection, seconds: float) -> None:
        """Wait for the first byte; bytes that came with the previous request count."""
        one.is_idle = True
        one.waits_since = time.monotonic()
        one.deadline = one.waits_since + (seconds if self.alive else STOP_SECONDS)
        self._go_on(one)

    def _readable(self, one: Connection, _socket: object) -> None:
        if one.is_closed:
            return
        try:
            data = one.socket.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            one.inbox.add(data)
            self._go_on(one)
        else:
            self._drop(one)

    def _go_on(self, one: Connection) -> None:
        """Handle the request if it is complete, otherwise wait for more of it."""
        stage = one.inbox.stage()
        if stage is Stage.WHOLE:
            self._answer(one)
        elif stage is Stage.TOO_LONG:
            self._refuse(one, TOO_LONG)
        else:
            self._set_deadline(one, stage)
            self._watch(one, selectors.EVENT_READ, self._readable)

    def _set_deadline(self, one: Connection, stage: Stage) -> None:
        now = time.monotonic()
        if stage is not Stage.IDLE and one.is_idle:
            one.is_idle = False
            one.deadline = now + HEAD_SECONDS
        if stage is Stage.BODY and not one.has_head:
            one.has_head = True
            one.deadline = now + BODY_SECONDS
            if one.inbox.expects_continue:
                self._invite_body(one)

    def _invite_body(self, one: Connection) -> None:
        """Send `100 Continue`; without it clients send the body after a second anyway."""
        try:
            one.socket.send(CONTINUE)
        except OSError as error:
            self.log.debug("100 Continue not sent: %s", error)

    # -- sending the response -------------------------------------------------------------------

    def _answer(self, one: Connection) -> None:
        self._unwatch(one)
        one.is_idle = one.has_head = False
        future = self.tpool.submit(self.handle, one.handled)
        future.add_done_callback(lambda done: self.method_queue.defer(self._answered, one, done))

    def _answered(self, one: Connection, done: "Future[bool]") -> None:
        """Send the response from the loop, after the thread has finished."""
        is_good = not done.cancelled() and done.exception() is None and done.result() is True
        one.is_kept = is_good and not one.inbox.is_cut
        one.waits_since = time.monotonic()
        one.deadline = one.waits_since + READ_SECONDS
        self._send(one)

    def _send(self, one: Connection, _socket: object = None) -> None:
        if one.is_closed:
            return
        try:
            if one.outbox.flush(one.socket):
                one.deadline = time.monotonic() + READ_SECONDS
        except OSError:
            self._drop(one)
            return
        if one.outbox:
            self._watch(one, selectors.EVENT_WRITE, self._send)
        elif one.is_kept:
            one.inbox.begin(one.handled.parser.unreader.take_buffered())
            self._wait_for_request(one, self.cfg.keepalive)
        else:
            self._linger(one)

    def _refuse(self, one: Connection, status: str) -> None:
        self._unwatch(one)
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        one.outbox.add(head.encode())
        one.is_kept = False
        self._send(one)

    def _linger(self, one: Connection) -> None:
        """Close once the client has read everything.

        Closing while the client still sends would reset the connection and truncate the response.
        """
        one.deadline = time.monotonic() + LINGER_SECONDS
        try:
            one.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(one)
        else:
            self._watch(one, selectors.EVENT_READ, self._discard)

    def _discard(self, one: Connection, _socket: object) -> None:
        if one.is_closed:
            return
        try:
            if one.socket.recv(_AT_ONCE):
                return
        except BlockingIOError:
            return
        except OSError:
            self.log.debug("Client reset the connection")
        self._drop(one)

    # -- closing connections --------------------------------------------------------------------

    def murder_keepalived(self, force: bool = False) -> None:
        """End connections past their deadline, or all with `force`; called in each loop round."""
        now = time.monotonic()
        if force or now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            for one in self._waiting_connections.late(now, everybody=force):
                self._end_late(one)

    def murder_pending(self) -> None:
        """Do nothing: `murder_keepalived` covers all connections."""

    def _end_late(self, one: Connection) -> None:
        is_asking = not one.is_idle and not one.outbox and one.inbox.stage() is not Stage.IDLE
        if is_asking and not one.is_refused:
            one.is_refused = True
            self._refuse(one, TOO_SLOW)
        else:
            self._drop(one)

    def _cap_keepalive(self, deadline: float) -> None:
        """Set the deadline of incomplete requests when the worker stops."""
        self._waiting_connections.hurry(deadline)

    def _drop(self, one: Connection) -> None:
        self._unwatch(one)
        self.nr_conns -= 1
        one.close()

    def _watch(self, one: Connection, event: int, act: Any) -> None:
        key = partial(act, one)
        if one.is_registered:
            self.poller.modify(one.socket, event, key)
        else:
            self.poller.register(one.socket, event, key)
        one.is_registered = True
        self._waiting_connections.add(one)

    def _unwatch(self, one: Connection) -> None:
        if one.is_registered:
            self.poller.unregister(one.socket)
        one.is_registered = False
        self._waiting_connections.remove(one)


def _most_connections() -> int:
    """Raise the limit of open files; return the number of connections that it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(
        soft, _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(10, (wanted - _FILES_OF_OURS) // _FILES_EACH)
