"""Buffers unsent data: 256 kB in memory, files by reference, the rest in a temporary file."""

import os
import socket
import tempfile
from collections import deque
from dataclasses import dataclass
from typing import BinaryIO

MOST_IN_MEMORY = 256 * 1024
_AT_ONCE = 256 * 1024
"""Bytes of a file passed to the kernel in one call."""
_TURN = 1 << 20
"""Bytes sent to one client before other clients get a turn."""


@dataclass
class _Stretch:
    """A part of an open file."""

    file: BinaryIO
    offset: int
    count: int


class Outbox:
    """The pieces of responses, in order."""

    def __init__(self) -> None:
        self._pieces: deque[memoryview | _Stretch] = deque()
        self._in_memory = 0
        self._spill: BinaryIO | None = None
        self._spilled = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, data: bytes) -> None:
        """Append bytes, in memory or in a file. Raises OSError if the disk of the file is full."""
        if self._in_memory + len(data) <= MOST_IN_MEMORY:
            self._pieces.append(memoryview(data))
            self._in_memory += len(data)
        else:
            self._add_to_spill(data)

    def add_file(self, file: BinaryIO, offset: int, count: int) -> None:
        """Append a part of a file; the caller may close the file."""
        own = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)
        self._pieces.append(_Stretch(own, offset, count))

    def flush(self, sock: socket.socket) -> int:
        """Send what the client accepts now; return the number of bytes. Raises OSError."""
        sent = 0
        while self._pieces and sent < _TURN:
            try:
                sent += self._send_first(sock)
            except BlockingIOError:
                break
        return sent

    def close(self) -> None:
        """Discard all pieces and close their files."""
        for piece in self._pieces:
            if isinstance(piece, _Stretch):
                piece.file.close()
        self._pieces.clear()
        if self._spill:
            self._spill.close()

    def _send_first(self, sock: socket.socket) -> int:
        piece = self._pieces[0]
        if isinstance(piece, memoryview):
            sent = sock.send(piece)
            self._in_memory -= sent
            if sent == len(piece):
                self._pieces.popleft()
            else:
                self._pieces[0] = piece[sent:]
            return sent
        return self._send_stretch(sock, piece)

    def _send_stretch(self, sock: socket.socket, piece: _Stretch) -> int:
        wanted = min(piece.count, _AT_ONCE)
        sent = os.sendfile(sock.fileno(), piece.file.fileno(), piece.offset, wanted)
        if sent == 0 and wanted:
            raise OSError("the file became shorter while it was sent")
        piece.offset += sent
        piece.count -= sent
        if piece.count == 0:
            self._pieces.popleft()
            if piece.file is self._spill:
                self._spill, self._spilled = None, 0
            piece.file.close()
        return sent

    def _add_to_spill(self, data: bytes) -> None:
        if self._spill is None:
            self._spill = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (close() closes it)
        left = memoryview(data)
        while left:
            left = left[self._spill.write(left) :]
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, _Stretch) and last.file is self._spill:
            last.count += len(data)
        else:
            self._pieces.append(_Stretch(self._spill, self._spilled, len(data)))
        self._spilled += len(data)
