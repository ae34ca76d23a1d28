"""Buffers the bytes that a client has sent, and detects when a request is complete.

This only finds where a request ends; gunicorn parses it. If the two disagree, gunicorn reads
missing bytes as the end of the connection, so that only this client loses its connection.
"""

import re
from enum import Enum

LONGEST_HEAD = 32 * 1024
LARGEST_BODY = 128 * 1024
"""Above the limit of any form or API document; the application refuses larger bodies."""
_LONGEST_CHUNK_LINE = 8 * 1024
_END = b"\r\n\r\n"
_HEX = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*")


class Stage(Enum):
    """How far a request has come."""

    IDLE = "nothing came yet"
    HEAD = "its head is coming"
    BODY = "its body is coming"
    WHOLE = "it can be answered"
    TOO_LONG = "its head is too long"


class Inbox:
    """The bytes of one connection that no request has consumed yet."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.begin()

    def begin(self, left_over: bytes = b"") -> None:
        """Wait for the next request; `left_over` is the part that arrived with the previous one."""
        self._bytes[:0] = left_over
        self.is_cut = False
        """Whether the body is too large and was not read in full: no request can follow."""
        self.expects_continue = False
        """Whether the client waits for `100 Continue` before it sends the body."""
        self._searched = 0
        self._body_at: int | None = None
        self._length: int | None = None
        self._next_chunk = 0

    def add(self, data: bytes) -> None:
        self._bytes += data

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes to the parser; none if the buffer is empty."""
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken

    def stage(self) -> Stage:
        """Return the stage of the request; looks at each byte once."""
        if not self._bytes:
            return Stage.IDLE
        if self._body_at is None and not self._find_head():
            return Stage.TOO_LONG if len(self._bytes) > LONGEST_HEAD else Stage.HEAD
        if self.is_cut or self._has_body():
            return Stage.WHOLE
        return Stage.BODY

    def _find_head(self) -> bool:
        end = self._bytes.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._bytes) - len(_END) + 1)
            return False
        if end > LONGEST_HEAD:
            return False
        self._body_at = self._next_chunk = end + len(_END)
        self._read_head(bytes(self._bytes[:end]))
        return True

    def _read_head(self, head: bytes) -> None:
        fields = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        values = {name.lower(): value.strip().lower() for name, _, value in fields}
        length = values.get(b"content-length", b"0")
        is_chunked = b"transfer-encoding" in values
        self._length = None if is_chunked else int(length) if re.fullmatch(rb"\d+", length) else 0
        self.is_cut = (self._length or 0) > LARGEST_BODY
        self.expects_continue = values.get(b"expect") == b"100-continue" and not self.is_cut

    def _has_body(self) -> bool:
        came = len(self._bytes) - (self._body_at or 0)
        if self._length is not None:
            return came >= self._length
        if came > LARGEST_BODY:
            self.is_cut = True
            return True
        return self._has_chunks()

    def _has_chunks(self) -> bool:
        """Whether the last chunk and the trailer are there; a malformed chunk counts as the end."""
        while self._next_chunk < len(self._bytes):
            end = self._bytes.find(b"\r\n", self._next_chunk)
            if end < 0:
                return len(self._bytes) - self._next_chunk > _LONGEST_CHUNK_LINE
            size = bytes(self._bytes[self._next_chunk : end]).partition(b";")[0]
            if not _HEX.fullmatch(size):
                return True
            if int(size, 16) == 0:
                return self._bytes.find(_END, end) >= 0
            self._next_chunk = end + len(b"\r\n") * 2 + int(size, 16)
        return False
