"""Recorded RDP connections: what each side sent, in order, as the gateway received it inside TLS.

A file is a sequence of records: direction (0 from the desktop, 1 from the browser), length, bytes.
The
browser's bytes contain the dummy password that pages send; no recording has the real one.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.flow import Flow
from webapp.gateway.rdp.pdu.framing import Splitter

FOLDER = Path(__file__).parent / "recordings"
FROM_DESKTOP, FROM_BROWSER = 0, 1
_HEADER = struct.Struct(">BI")


def read(name: str) -> list[tuple[int, bytes]]:
    """The records of `recordings/NAME.rdp`."""
    data = (FOLDER / f"{name}.rdp").read_bytes()
    records = []
    place = 0
    while place < len(data):
        direction, size = _HEADER.unpack_from(data, place)
        place += _HEADER.size
        records.append((direction, data[place : place + size]))
        place += size
    return records


def pdus(records: list[tuple[int, bytes]], direction: int) -> list[bytes]:
    """Return all PDUs of one direction."""
    splitter = Splitter()
    return [pdu for way, data in records if way == direction for pdu in splitter.feed(data)]


def beginning(records: list[tuple[int, bytes]], size_wanted: int) -> list[tuple[int, bytes]]:
    """Return the first records with this many bytes of the desktop, up to a complete PDU."""
    size = total = 0
    splitter = Splitter()
    for number, (direction, data) in enumerate(records):
        if direction == FROM_BROWSER:
            continue
        size += len(data)
        total += sum(map(len, splitter.feed(data)))
        if total > size_wanted and total == size:
            return records[: number + 1]
    raise ValueError("the recording ends within a PDU")


class RecordingConversation(Conversation):
    """A conversation that records its input."""

    file: Path

    def from_browser(self, data: bytes) -> Flow:
        self._write(FROM_BROWSER, data)
        return super().from_browser(data)

    def from_desktop(self, data: bytes | memoryview) -> Flow:
        self._write(FROM_DESKTOP, bytes(data))
        return super().from_desktop(data)

    def _write(self, direction: int, data: bytes) -> None:
        with self.file.open("ab") as out:
            out.write(_HEADER.pack(direction, len(data)) + data)


def replayed(conversation: Conversation, records: list[tuple[int, bytes]]) -> Iterator[Flow]:
    """Return the output of a conversation for a recording, with all turns of a record in one."""
    for direction, data in records:
        take = from_browser if direction == FROM_BROWSER else from_desktop
        yield take(conversation, data)


def from_browser(conversation: Conversation, data: bytes) -> Flow:
    """Run all turns that this takes."""
    flow = conversation.from_browser(data)
    while conversation.is_browser_waiting:
        _join(flow, conversation.go_on_browser())
    return flow


def from_desktop(conversation: Conversation, data: bytes) -> Flow:
    """Run all turns that this takes."""
    flow = conversation.from_desktop(data)
    while conversation.is_desktop_waiting:
        _join(flow, conversation.go_on_desktop())
    return flow


def _join(flow: Flow, more: Flow) -> None:
    flow.to_desktop += more.to_desktop
    flow.to_browser += more.to_browser
