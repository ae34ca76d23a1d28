"""Dynamic virtual channels (MS-RDPEDYC), carried by the static channel `drdynvc`.

A desktop opens them by name, and the name defines the protocol. Only display control passes, with
which a browser requests another screen size (MS-RDPEDISP). Any other channel could carry data past
the clipboard rules.
"""

import struct
from enum import Enum, auto

from webapp.gateway.connection.wire import ProtocolError, Reader
from webapp.gateway.rdp.clipboard import DROP, PASS, Verdict
from webapp.gateway.rdp.pdu.virtual_channel import Chunk, Chunks, whole_message

CHANNEL = "drdynvc"
DISPLAY_CONTROL = "Microsoft::Windows::RDS::DisplayControl"

_CREATE, _DATA, _CLOSE, _CAPABILITIES = 1, 3, 4, 5
_ID_SIZES = {0: "B", 1: "<H", 2: "<I"}
_LEAST_IDS = {0: 0, 1: 1 << 8, 2: 1 << 16}
"""The smallest id that needs each size."""
_CAPABILITIES_SIZES = {1: 4, 2: 12, 3: 12}
"""Version → bytes of the desktop's Capabilities PDU."""
_LONGEST_NAME = 255
_MOST_OPEN = 16
_NO_LISTENER = 0xC0000001
"""CreationStatus for a channel that the client does not support."""

_LAYOUT, _DISPLAY_CAPABILITIES = 2, 5
_LAYOUT_HEADER, _MONITOR, _MOST_MONITORS = 16, 40, 16
_DISPLAY_CAPABILITIES_SIZE = 20


class Channel(Enum):
    """How far a dynamic channel is; an id without a channel has none of these."""

    OFFERED = auto()
    OPEN = auto()
    CLOSED = auto()
    """By one side; the other side's answer, which looks the same, is due."""


class Step(Enum):
    """What a PDU does to a channel."""

    OFFER = auto()
    ACCEPT = auto()
    DECLINE = auto()
    DATA = auto()
    CLOSE = auto()


TABLE: dict[tuple[Channel | None, Step], Channel | None] = {
    (None, Step.OFFER): Channel.OFFERED,
    (Channel.CLOSED, Step.OFFER): Channel.OFFERED,
    (Channel.OFFERED, Step.ACCEPT): Channel.OPEN,
    (Channel.OFFERED, Step.DECLINE): None,
    (Channel.OPEN, Step.DATA): Channel.OPEN,
    (Channel.OPEN, Step.CLOSE): Channel.CLOSED,
    (Channel.CLOSED, Step.CLOSE): None,
}
"""The channel after each step. Any other step ends the connection, except that closing a channel
that was never open is dropped: the gateway may have refused it in the browser's place."""


class DynamicChannels:
    """Filters both directions of one connection."""

    def __init__(self) -> None:
        self._desktop, self._browser = Chunks(), Chunks()
        self._channels: dict[int, Channel] = {}

    def from_desktop(self, payload: bytes) -> Verdict:
        """Decide on a chunk from the desktop. Raises ProtocolError."""
        command, reader = _open(self._desktop.take(payload))
        if command == _CAPABILITIES:
            return _check_capabilities(reader, is_desktop=True)
        channel = _channel_id(reader)
        if command == _CREATE:
            return self._offer(channel, reader)
        if command == _DATA:
            self._step(channel, Step.DATA)
            _check_display(reader, _DISPLAY_CAPABILITIES)
            return PASS
        return self._close(command, channel, reader)

    def from_browser(self, payload: bytes) -> Verdict:
        """Decide on a chunk from the browser. Raises ProtocolError."""
        command, reader = _open(self._browser.take(payload))
        if command == _CAPABILITIES:
            return _check_capabilities(reader, is_desktop=False)
        channel = _channel_id(reader)
        if command == _CREATE:
            return self._answer(channel, reader)
        if command == _DATA:
            self._step(channel, Step.DATA)
            _check_display(reader, _LAYOUT)
            return PASS
        return self._close(command, channel, reader)

    def _step(self, channel: int, step: Step) -> None:
        """Move a channel as the table says. Raises ProtocolError."""
        before = self._channels.get(channel)
        if (before, step) not in TABLE:
            state = before.name.lower() if before else "not open"
            raise ProtocolError(
                f"{step.name.lower()} for the dynamic channel {channel}, which is {state}"
            )
        after = TABLE[before, step]
        if after is None or (after is Channel.CLOSED and self._count(after) >= _MOST_OPEN):
            self._channels.pop(channel, None)
        else:
            self._channels[channel] = after

    def _count(self, *kinds: Channel) -> int:
        return sum(one in kinds for one in self._channels.values())

    def _offer(self, channel: int, reader: Reader) -> Verdict:
        """Handle the desktop's request to open a channel; refuse all but display control."""
        name = reader.rest()
        if len(name) > _LONGEST_NAME or name.find(b"\0") != len(name) - 1:
            raise ProtocolError("a dynamic channel whose name does not end")
        if self._count(Channel.OFFERED, Channel.OPEN) >= _MOST_OPEN:
            raise ProtocolError(f"more than {_MOST_OPEN} dynamic channels")
        self._step(channel, Step.OFFER)
        if name[:-1] == DISPLAY_CONTROL.encode():
            return PASS
        self._step(channel, Step.DECLINE)
        head = reader.data[0] & 3 | _CREATE << 4
        identity = reader.data[1 : len(reader.data) - len(name)]
        refusal = bytes([head]) + identity + struct.pack("<I", _NO_LISTENER)
        return Verdict(False, whole_message(refusal))

    def _answer(self, channel: int, reader: Reader) -> Verdict:
        """Handle the browser's answer to an offer."""
        status = reader.u32()
        if reader.left:
            raise ProtocolError("bytes after the answer about a dynamic channel")
        self._step(channel, Step.ACCEPT if status < 1 << 31 else Step.DECLINE)
        return PASS

    def _close(self, command: int, channel: int, reader: Reader) -> Verdict:
        """Handle a Close PDU from either side."""
        if command != _CLOSE or reader.left:
            raise ProtocolError(f"a dynamic channel PDU of the kind {command} is not carried")
        if (self._channels.get(channel), Step.CLOSE) not in TABLE:
            return DROP
        self._step(channel, Step.CLOSE)
        return PASS


def _open(chunk: Chunk) -> tuple[int, Reader]:
    """Return command and content. No PDU that passes needs more than one chunk."""
    if not (chunk.is_first and chunk.is_last):
        raise ProtocolError("a dynamic channel PDU in pieces")
    command, priority = chunk.data[0] >> 4, chunk.data[0] & 0x0C
    if priority and command != _CREATE:
        raise ProtocolError("a dynamic channel PDU with unknown bits")
    return command, Reader(chunk.data)


def _channel_id(reader: Reader) -> int:
    """Read the ChannelId, which must be in its shortest form."""
    size = reader.u8() & 3
    if size not in _ID_SIZES:
        raise ProtocolError("a dynamic channel id of no size")
    channel = reader.number(_ID_SIZES[size])
    if channel < _LEAST_IDS[size]:
        raise ProtocolError("a dynamic channel id that is longer than it needs to be")
    return channel


def _check_capabilities(reader: Reader, *, is_desktop: bool) -> Verdict:
    size = len(reader.data)
    head, version = reader.u16(), reader.u16()
    if head != _CAPABILITIES << 4 or version not in _CAPABILITIES_SIZES:
        raise ProtocolError("dynamic channel capabilities of another kind")
    if size != (_CAPABILITIES_SIZES[version] if is_desktop else 4):
        raise ProtocolError("dynamic channel capabilities of another length")
    return PASS


def _check_display(reader: Reader, kind: int) -> None:
    """Check a display control PDU (MS-RDPEDISP 2.2.2): its kind and its length fields."""
    size = reader.left
    if reader.u32() != kind or reader.u32() != size:
        raise ProtocolError("an unknown display control PDU")
    if kind == _DISPLAY_CAPABILITIES and size != _DISPLAY_CAPABILITIES_SIZE:
        raise ProtocolError("display control capabilities of another length")
    if kind == _LAYOUT:
        width, count = reader.u32(), reader.u32()
        is_whole = size == _LAYOUT_HEADER + count * _MONITOR
        if width != _MONITOR or not 1 <= count <= _MOST_MONITORS or not is_whole:
            raise ProtocolError("a display layout of another length")
