"""Decides which clipboard messages may pass (MS-RDPECLIP 2.2, in chunks of `virtual_channel`).

A message must have a form that every parser reads the same way. The rules apply to both sides: in
a forbidden direction announcements, requests and data are all dropped, whatever the page or the
desktop does. The sender of a dropped message gets the answer that the protocol requires, so that
it does not wait for ever.
"""

import struct
from dataclasses import dataclass

from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.pdu.virtual_channel import CHUNK_HEADER, FIRST, Chunk, Chunks, whole_message

CHANNEL = "cliprdr"

_FORMAT_LIST, _FORMAT_LIST_RESPONSE = 2, 3
_DATA_REQUEST, _DATA_RESPONSE = 4, 5
_FILE_REQUEST, _FILE_RESPONSE = 8, 9
_LOCK, _UNLOCK = 10, 11
_OK, _FAIL = 1, 2
"""msgFlags CB_RESPONSE_OK and CB_RESPONSE_FAIL."""

_OFFERS = {_FORMAT_LIST, _DATA_RESPONSE, _FILE_RESPONSE}
"""Sent by the side whose clipboard is read."""
_WISHES = {_DATA_REQUEST, _FILE_REQUEST, _LOCK, _UNLOCK}
"""Sent by the side that reads."""
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
"""Zero bytes that xrdp appends to each message."""
_TAKEN_APART = 32 << 10
"""XRDP 0.9 reads a message of up to this many bytes in one piece."""
_MOST_HELD, _MOST_HELD_CHUNKS = 1 << 16, 64
"""Limits of a held offer, in bytes and chunks; each format takes a few dozen bytes."""


@dataclass(frozen=True)
class Rules:
    """The directions in which text may be copied."""

    into_desktop: bool = True
    out_of_desktop: bool = True


ALL = Rules()


@dataclass(frozen=True)
class Verdict:
    """The decision on one chunk: whether it passes, and the answer to its sender if not."""

    passes: bool
    answer: bytes | None = None


PASS, DROP = Verdict(True), Verdict(False)


class Filter:
    """Filters the chunks that one side sends."""

    def __init__(self, *, may_offer: bool, may_read: bool) -> None:
        self._forbidden = (set() if may_offer else _OFFERS) | (set() if may_read else _WISHES)
        self._chunks = Chunks()
        self._passes = True
        """The decision on the message whose chunks are arriving."""

    def judge(self, payload: bytes) -> Verdict:
        """Decide at a message's first chunk; the decision holds for its other chunks.

        Raises ProtocolError for anything but a clipboard message in its one valid form, whatever
        the rules allow.
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
    """Return the kind of the message that begins with this chunk. Raises ProtocolError."""
    if len(chunk.data) < _MESSAGE_HEADER:
        raise ProtocolError("a clipboard message without its whole header in the first chunk")
    kind, flags, size = struct.unpack_from("<HHI", chunk.data)
    if kind not in _KINDS or flags & ~_FLAGS:
        raise ProtocolError(f"a clipboard message of the kind {kind} with the flags {flags:#x}")
    if chunk.total - _MESSAGE_HEADER - size not in (0, _PADDING):
        raise ProtocolError("a clipboard message of another length than its chunks have")
    return int(kind)


def ahead_of(payload: bytes) -> bytes | None:
    """Return a chunk to send to the desktop before this one, or None; `Filter` has passed this one.

    XRDP 0.9 decodes a long answer to its own request while it arrives, and keeps only the low byte
    of each character. After an empty answer it has no open request and reads the long one as a
    whole. (XRDP 0.10 does not need this, and would read the empty answer as an empty text.)
    """
    total, flags = struct.unpack_from("<II", payload)
    if not flags & FIRST or total <= _TAKEN_APART:
        return None
    (kind,) = struct.unpack_from("<H", payload, CHUNK_HEADER)
    return _message(_DATA_RESPONSE, _OK) if kind == _DATA_RESPONSE else None


class Opening:
    """Reorders the desktop's first messages, because IronRDP 0.7 fails on some orders.

    IronRDP's session ends if the desktop sends an offer before it answers the browser's first
    offer, or if that answer is a refusal. Offers are held until the answer, and every answer is
    changed to CB_RESPONSE_OK.
    """

    def __init__(self) -> None:
        self._is_over = False
        self._kind = 0
        self._held: list[bytes] = []
        self._held_bytes = 0

    def order(self, chunk: bytes) -> list[bytes]:
        """Return the chunks to send in place of one from the desktop that `Filter` has passed."""
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
        """Record that the browser's first offer is answered; return the held chunks."""
        self._is_over = True
        held, self._held = self._held, []
        return held

    def _hold(self, chunk: bytes) -> None:
        if struct.unpack_from("<I", chunk, 4)[0] & FIRST:
            self._held.clear()  # a newer offer replaces the held one
            self._held_bytes = 0
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes > _MOST_HELD or len(self._held) > _MOST_HELD_CHUNKS:
            raise ProtocolError("an offer of the clipboard without end")


def filters(rules: Rules) -> tuple[Filter, Filter]:
    """Return the filters for what the browser sends and for what the desktop sends."""
    return (
        Filter(may_offer=rules.into_desktop, may_read=rules.out_of_desktop),
        Filter(may_offer=rules.out_of_desktop, may_read=rules.into_desktop),
    )


def _message(kind: int, flags: int) -> bytes:
    """Return a clipboard message without data, in one chunk; a file response has stream id 0."""
    data = bytes(4) if kind == _FILE_RESPONSE else b""
    return whole_message(struct.pack("<HHI", kind, flags, len(data)) + data)
