"""The output of a conversation: packets for the desktop, WebSocket messages for the browser."""

from dataclasses import dataclass, field

from webapp.gateway.connection.wire import Octets

ENOUGH_FOR_MESSAGE = 1 << 16
"""Bytes after which a batch of PDUs is sent as one WebSocket message."""


@dataclass
class Flow:
    """The data to send. Every item for the browser is one WebSocket message."""

    to_desktop: list[bytes] = field(default_factory=list)
    to_browser: list[bytes] = field(default_factory=list)


class Batch:
    """Joins PDUs for the browser into messages; a message holds whole PDUs only."""

    def __init__(self) -> None:
        self.is_joining = False
        """False during an activation: each PDU is then sent as its own message."""
        self._pdus: list[Octets] = []
        self._size = 0

    def add(self, pdu: Octets, flow: Flow) -> None:
        if not self.is_joining:
            flow.to_browser.append(bytes(pdu))
            return
        self._pdus.append(pdu)
        self._size += len(pdu)
        if self._size >= ENOUGH_FOR_MESSAGE:
            self.end(flow)

    def end(self, flow: Flow) -> None:
        """Move the PDUs added so far to `flow` as one message."""
        if self._pdus:
            flow.to_browser.append(b"".join(self._pdus))
            self._pdus.clear()
            self._size = 0
