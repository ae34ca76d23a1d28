"""Lightweight WebSocket clients: they mask frames with zeros and only count received bytes."""

from __future__ import annotations

import base64
import os
import socket
import struct
import time

from tests.gateway.fake_browser import rdcleanpath_request
from tests.gateway.rdp import recorded

ORIGIN = "http://desktops.test"
INPUT = bytes.fromhex("0404001e")
BEGINNING = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)


class RawBrowser:
    """One connection to a WebSocket server, or to a plain TCP port (`path` None)."""

    def __init__(self, port: int, path: str | None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if path:
            self._upgrade(path)

    def _upgrade(self, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {path} HTTP/1.1",
            "Host: desktops.test",
            f"Origin: {ORIGIN}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            "",
            "",
        )
        self.socket.sendall("\r\n".join(lines).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1)
        if b" 101 " not in answer:
            raise ConnectionError(answer.decode("ascii", "replace"))

    def sign_in(self) -> None:
        """Send the browser's messages of the recorded set-up, each in turn."""
        self.send(rdcleanpath_request("try-us"))
        self._receive()
        due = came = 0
        for direction, data in BEGINNING:
            if direction == recorded.FROM_DESKTOP:
                due += len(data)
                continue
            while came < due:
                came += self._receive()
            self.send(data)

    def _receive(self) -> int:
        """Receive one message; return its size in bytes."""
        size = self._exactly(2)[1]
        if size == 126:
            size = int.from_bytes(self._exactly(2), "big")
        elif size == 127:
            size = int.from_bytes(self._exactly(8), "big")
        self._exactly(size)
        return size

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the gateway closed the connection")
            data += piece
        return data

    def send(self, data: bytes) -> None:
        """Send one binary message, masked with zeros (RFC 6455 5.2)."""
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        self.socket.sendall(b"\x82" + length + bytes(4) + data)

    def drain(self, seconds: float) -> int:
        """Read for a number of seconds; return the number of bytes received."""
        buffer = bytearray(1 << 20)
        until, count = time.monotonic() + seconds, 0
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(max(left, 0.001))
            try:
                count += self.socket.recv_into(buffer)
            except TimeoutError:
                break
        return count

    def close(self) -> None:
        self.socket.close()
