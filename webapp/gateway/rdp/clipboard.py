"""Which clipboard messages may pass (MS-RDPECLIP 2.2, in the chunks of `virtual_channel`).

Only messages that every parser reads the same way pass at all. The rules hold against both sides: a
forbidden direction loses its announcements, requests and data alike, whatever the page or the
desktop does. The sender gets the answer that the protocol owes it, so that neither waits for ever.
"""

import struct
from dataclasses import dataclass

from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.virtual_channel import CHUNK_HEADER, FIRST, Chunk, Chunks, whole_message

CHANNEL = "cliprdr"

_FORMAT_LIST, _FORMAT_LIST_RESPONSE = 2, 3
_DATA_REQUEST, _DATA_RESPONSE = 4, 5
_FILE_REQUEST, _FILE_RESPONSE = 8, 9
_LOCK, _UNLOCK = 10, 11
_OK, _FAIL = 1, 2
"""msgFlags CB_RESPONSE_OK and CB_RESPONSE_FAIL."""

_OFFERS = {_FORMAT_LIST, _DATA_RESPONSE, _FILE_RESPONSE}
"""What the side sends whose clipboard is read."""
_WISHES = {_DATA_REQUEST, _FILE_REQUEST, _LOCK, _UNLOCK}
"""What the side sends that reads."""
_ANSWERS = {
    _FORMAT_LIST: (_FORMAT_LIST_RESPONSE, _OK),
    _DATA_REQUEST: (_DATA_RESPONSE, _FAIL),
    _FILE_REQUEST: (_FILE_RESPONSE, _FAIL),
}

_KINDS = range(1, 12)
_FLAGS = 0x7
"""msgFlags CB_RESPONSE_OK, CB_RESPONSE_FAIL and CB_ASCII_NAMES."""
_MESSAGE_HEADER = 8
_PADDING = 4
"""Zeros that xrdp adds to each message."""
_TAKEN_APART = 32 << 10
"""Bytes of a message that XRDP 0.9 takes as a whole."""
_MOST_HELD, _MOST_HELD_CHUNKS = 1 << 16, 64
"""Of an offer that waits; each format takes a few dozen bytes."""


@dataclass(frozen=True)
class Rules:
    """Which way text may go."""

    into_desktop: bool = True
    out_of_desktop: bool = True


ALL = Rules()


@dataclass(frozen=True)
class Verdict:
    """What becomes of one chunk: whether it passes, and what its sender is told instead."""

    passes: bool
    answer: bytes | None = None


PASS, DROP = Verdict(True), Verdict(False)


class Filter:
    """Judges the chunks that one side sends."""

    def __init__(self, *, may_offer: bool, may_read: bool) -> None:
        self._forbidden = (set() if may_offer else _OFFERS) | (set() if may_read else _WISHES)
        self._chunks = Chunks()
        self._passes = True
        """What was decided of the message whose chunks are coming."""

    def judge(self, payload: bytes) -> Verdict:
        """Decide at a message's first chunk; its other chunks share its fate.

        Raises ProtocolError for what is no clipboard message in its one form, whatever is allowed.
        """
        chunk = self._chunks.take(payload)
        if not chunk.is_first:
            return PASS if self._passes else DROP
        kind = _check_header(chunk)
        self._passes = kind not in self._forbidden
        if self._passes:
            return PASS
        return Verdict(False, _message(*_ANSWERS[kind]) if kind in _ANSWERS else None)


def _check_header(chunk: Chunk) -> int:
    """The kind of the message that begins with this chunk."""
    if len(chunk.data) < _MESSAGE_HEADER:
        raise ProtocolError("a clipboard message without its whole header in the first chunk")
    kind, flags, size = struct.unpack_from("<HHI", chunk.data)
    if kind not in _KINDS or flags & ~_FLAGS:
        raise ProtocolError(f"a clipboard message of the kind {kind} with the flags {flags:#x}")
    if chunk.total - _MESSAGE_HEADER - size not in (0, _PADDING):
        raise ProtocolError("a clipboard message of another length than its chunks have")
    return int(kind)


def ahead_of(payload: bytes) -> bytes | None:
    """The chunk that a desktop gets before this one of the browser's, which `Filter` let pass.

    XRDP 0.9 takes a long answer to a request of its own apart while it arrives, and keeps the low
    byte of each character. After an answer without data it has no request open, and takes the long
    one as a whole. (XRDP 0.10 needs none of this, and would take the first for an empty text.)
    """
    total, flags = struct.unpack_from("<II", payload)
    if not flags & FIRST or total <= _TAKEN_APART:
        return None
    (kind,) = struct.unpack_from("<H", payload, CHUNK_HEADER)
    return _message(_DATA_RESPONSE, _OK) if kind == _DATA_RESPONSE else None


class Opening:
    """Puts the desktop's first messages into an order that IronRDP 0.7 survives.

    An offer of the desktop's that comes before its answer to the browser's own first offer ends
    IronRDP's session, and so does an answer that refuses. Offers wait for the answer; every answer
    becomes a yes.
    """

    def __init__(self) -> None:
        self._is_over = False
        self._kind = 0
        self._held: list[bytes] = []
        self._held_bytes = 0

    def order(self, chunk: bytes) -> list[bytes]:
        """The chunks to pass on now, in place of the one that the desktop sent and `Filter` let."""
        if struct.unpack_from("<I", chunk, 4)[0] & FIRST:
            (self._kind,) = struct.unpack_from("<H", chunk, CHUNK_HEADER)
        if self._kind == _FORMAT_LIST and not self._is_over:
            self._hold(chunk)
            return []
        if self._kind == _FORMAT_LIST_RESPONSE and len(chunk) >= CHUNK_HEADER + _MESSAGE_HEADER:
            has_agreed = struct.unpack_from("<H", chunk, 10)[0] & _OK
            agreed = chunk if has_agreed else chunk[:10] + struct.pack("<H", _OK) + chunk[12:]
            return [agreed, *self.answered()]
        return [chunk]

    def answered(self) -> list[bytes]:
        """The browser's first offer has its answer: what waited for that."""
        self._is_over = True
        held, self._held = self._held, []
        return held

    def _hold(self, chunk: bytes) -> None:
        if struct.unpack_from("<I", chunk, 4)[0] & FIRST:
            self._held.clear()  # the newest offer counts
            self._held_bytes = 0
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes > _MOST_HELD or len(self._held) > _MOST_HELD_CHUNKS:
            raise ProtocolError("an offer of the clipboard without end")


def filters(rules: Rules) -> tuple[Filter, Filter]:
    """The filter for what the browser sends, and the one for what the desktop sends."""
    return (
        Filter(may_offer=rules.into_desktop, may_read=rules.out_of_desktop),
        Filter(may_offer=rules.out_of_desktop, may_read=rules.into_desktop),
    )


def _message(kind: int, flags: int) -> bytes:
    """A clipboard message without data, in one chunk. A file response owes a stream id: zero."""
    data = bytes(4) if kind == _FILE_RESPONSE else b""
    return whole_message(struct.pack("<HHI", kind, flags, len(data)) + data)
