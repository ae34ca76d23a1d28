"""Which clipboard messages may pass (MS-RDPECLIP 2.2, carried as MS-RDPBCGR 2.2.6.1 chunks).

The rules hold against both sides: a forbidden direction loses its announcements, requests and
data alike, whatever the page or the desktop does. The sender gets the answer that the protocol
owes it, so that neither waits for ever.
"""

import struct
from dataclasses import dataclass

from webapp.gateway.wire import ProtocolError

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

_CHUNK_HEADER = 8
_MESSAGE_HEADER = 8
_FIRST, _LAST = 0x1, 0x2
_COMPRESSED = 0x00200000
_SHOW_PROTOCOL = 0x10
_MOST_HELD = 1 << 16
"""Bytes of an offer that waits; each format takes a few dozen."""


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
        self._passes: bool | None = None
        """What was decided of the message whose chunks are coming; None between messages."""

    def judge(self, chunk: bytes) -> Verdict:
        """Decide at a message's first chunk; its other chunks share its fate."""
        if not self._forbidden:
            return PASS
        if len(chunk) < _CHUNK_HEADER:
            raise ProtocolError("channel data without its header")
        _, flags = struct.unpack_from("<II", chunk)
        if flags & _COMPRESSED:
            raise ProtocolError("compressed clipboard data where a direction is forbidden")
        verdict = self._first(chunk) if flags & _FIRST else self._later()
        self._passes = None if flags & _LAST else verdict.passes
        return verdict

    def _first(self, chunk: bytes) -> Verdict:
        if self._passes is not None:
            raise ProtocolError("a clipboard message inside another")
        if len(chunk) < _CHUNK_HEADER + _MESSAGE_HEADER:
            raise ProtocolError("a clipboard message without its whole header in the first chunk")
        (kind,) = struct.unpack_from("<H", chunk, _CHUNK_HEADER)
        if kind not in self._forbidden:
            return PASS
        return Verdict(False, _message(*_ANSWERS[kind]) if kind in _ANSWERS else None)

    def _later(self) -> Verdict:
        if self._passes is None:
            raise ProtocolError("a clipboard message without a beginning")
        return PASS if self._passes else DROP


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

    def order(self, chunk: bytes) -> list[bytes]:
        """The chunks to pass on now, in place of the one that the desktop sent."""
        if len(chunk) < _CHUNK_HEADER:
            raise ProtocolError("channel data without its header")
        if struct.unpack_from("<I", chunk, 4)[0] & _FIRST:
            self._kind = _kind_of(chunk)
        if self._kind == _FORMAT_LIST and not self._is_over:
            self._hold(chunk)
            return []
        if self._kind == _FORMAT_LIST_RESPONSE and len(chunk) >= _CHUNK_HEADER + _MESSAGE_HEADER:
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
        if struct.unpack_from("<I", chunk, 4)[0] & _FIRST:
            self._held.clear()  # the newest offer counts
        self._held.append(chunk)
        if sum(map(len, self._held)) > _MOST_HELD:
            raise ProtocolError("an offer of the clipboard without end")


def _kind_of(chunk: bytes) -> int:
    """The message type in a message's first chunk; 0 if it is not there."""
    has_kind = len(chunk) >= _CHUNK_HEADER + 2
    return int(struct.unpack_from("<H", chunk, _CHUNK_HEADER)[0]) if has_kind else 0


def filters(rules: Rules) -> tuple[Filter, Filter]:
    """The filter for what the browser sends, and the one for what the desktop sends."""
    return (
        Filter(may_offer=rules.into_desktop, may_read=rules.out_of_desktop),
        Filter(may_offer=rules.out_of_desktop, may_read=rules.into_desktop),
    )


def _message(kind: int, flags: int) -> bytes:
    """A clipboard message without data, in one chunk. A file response owes a stream id: zero."""
    data = bytes(4) if kind == _FILE_RESPONSE else b""
    message = struct.pack("<HHI", kind, flags, len(data)) + data
    return struct.pack("<II", len(message), _FIRST | _LAST | _SHOW_PROTOCOL) + message
