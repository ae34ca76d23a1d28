"""One RDP connection as the gateway sees it: bytes of either side in, bytes for either side out.

No sockets, no clock. From the Connect Initial on, inside TLS. The gateway reads the set-up, input,
channel headers and clip regions; pictures pass undecoded. What it changes, and why each is needed
with IronRDP 0.7 and xrdp 0.9.21:

1. Client Info: the real user and password are put in (`client_info`).
2. Core data: 32 bpp, the LAN connection type, a client build that may resize (`gcc`).
3. Server PDUs go out one per message until Font Map, at every activation: IronRDP drops what
   follows in the same message.
4. xrdp's Deactivate All is completed (`share`).
5. Clipboard messages of a forbidden direction, and channels that Winux does not offer, are
   dropped; those at the beginning are put into an order that IronRDP survives (`clipboard`).
6. RemoteFX regions that IronRDP would clip wrongly are split (`surface`, `remotefx`), and tiles
   that were drawn in part are asked for again, whole (`partial_tiles`).
7. A slow browser's frames are acknowledged in its place, one every few seconds
   (`lend_acknowledgement`): xorgxrdp waits eight seconds for that, then overwrites pictures while
   xrdp encodes them, and green bars are the result. Few frames may be under way at a time
   (`capabilities`).
"""

from dataclasses import dataclass, field

from webapp.gateway import (
    capabilities,
    client_info,
    clipboard,
    fastpath,
    framing,
    gcc,
    mcs,
    share,
    surface,
)
from webapp.gateway.client_info import Login
from webapp.gateway.wire import Octets, ProtocolError

IO_CHANNEL = 1003
"""The id that servers give to the channel of everything that is not a static channel."""
CHANNELS = frozenset({clipboard.CHANNEL, "drdynvc"})
"""Static channels that are carried: clipboard, and the dynamic ones (display control)."""

ENOUGH_FOR_MESSAGE = 1 << 16
"""Bytes of pictures in one WebSocket message; what comes together goes on together."""


@dataclass(frozen=True)
class Terms:
    """What one connection is given."""

    login: Login
    rules: clipboard.Rules = clipboard.ALL
    keyboard_layout: int = 0
    """Windows language id of the keyboard; 0: as the browser asks."""


@dataclass
class Flow:
    """What is to be sent. Every item for the browser is one WebSocket message."""

    to_desktop: list[bytes] = field(default_factory=list)
    to_browser: list[bytes] = field(default_factory=list)


class Conversation:
    """Both directions of a connection; a ProtocolError from it ends the connection."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._browser = framing.Splitter()
        self._desktop = framing.Splitter()
        self._pictures = surface.Mender()
        self._browser_clipboard, self._desktop_clipboard = clipboard.filters(terms.rules)
        self._opening = clipboard.Opening()
        self._channel_names: list[str] | None = None
        self._channels: dict[int, str] = {}
        self.is_signed_in = False
        self.has_disconnected = False
        """The desktop said good-bye (MCS Disconnect Provider Ultimatum): somebody logged out."""
        self._is_answered = False
        self._is_active = False
        self._message: list[Octets] = []
        self._message_size = 0
        self._had_input = False
        self._initiator = 0
        self.acknowledged = -1
        """The last frame that the browser has drawn."""
        self._lent = -1

    def take_input(self) -> bool:
        """Whether the person did something since the last call."""
        had, self._had_input = self._had_input, False
        return had

    @property
    def has_partial_tiles(self) -> bool:
        """Whether parts of the screen should be drawn again (`partial_tiles`)."""
        return bool(self._pictures.partial)

    def refresh(self) -> Flow:
        """Ask the desktop to draw the partial tiles again, whole."""
        areas = self._pictures.partial.take()
        if not areas:
            return Flow()
        return Flow(to_desktop=[self._own_data(share.refresh_areas(self._user, areas))])

    @property
    def awaits_browser(self) -> bool:
        """Whether pictures came that the browser has not said it has drawn."""
        return self._pictures.frame > self.acknowledged or self._pictures.is_in_frame

    def lend_acknowledgement(self) -> Flow:
        """Acknowledge one more frame to the desktop in the place of a browser that is slow."""
        self._lent = max(self._lent, self.acknowledged) + 1
        return Flow(to_desktop=[self._own_data(share.acknowledge_frame(self._user, self._lent))])

    @property
    def _user(self) -> int:
        return self._initiator + mcs.FIRST_USER

    def _own_data(self, payload: bytes) -> bytes:
        """The packet for a PDU of our own to the desktop."""
        return mcs.data_pdu(mcs.SEND_DATA_REQUEST, self._initiator, IO_CHANNEL, payload)

    # -- from the browser -----------------------------------------------------------------------

    def from_browser(self, data: bytes) -> Flow:
        flow = Flow()
        for pdu in self._browser.feed(data):
            if framing.is_fastpath(pdu):
                self._take_fastpath_input(pdu, flow)
            else:
                self._take_request(pdu, flow)
        return flow

    def _take_fastpath_input(self, pdu: bytes, flow: Flow) -> None:
        if not self.is_signed_in:
            raise ProtocolError("input before signing in")
        self._had_input = fastpath.has_input(pdu) or self._had_input
        flow.to_desktop.append(pdu)

    def _take_request(self, pdu: bytes, flow: Flow) -> None:
        if self._channel_names is None:
            self._channel_names = gcc.channel_names(pdu)
            pdu = gcc.rewrite_core_data(pdu, self._terms.keyboard_layout)
        elif mcs.kind_of(pdu) == mcs.SEND_DATA_REQUEST:
            self._take_browser_data(mcs.parse_data(pdu), pdu, flow)
            return
        flow.to_desktop.append(pdu)

    def _take_browser_data(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        name = self._channels.get(data.channel)
        if data.channel == IO_CHANNEL:
            self._take_io_data(data, pdu, flow)
        elif name == clipboard.CHANNEL:
            self._take_browser_clipboard(data, pdu, flow)
        elif name in CHANNELS:
            flow.to_desktop.append(pdu)

    def _take_browser_clipboard(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        verdict = self._browser_clipboard.judge(data.payload)
        if verdict.answer:
            for chunk in (verdict.answer, *self._opening.answered()):
                answer = (mcs.SEND_DATA_INDICATION, data.initiator, data.channel, chunk)
                flow.to_browser.append(mcs.data_pdu(*answer))
        if verdict.passes:
            flow.to_desktop.append(pdu)

    def _take_io_data(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        if not self.is_signed_in:
            if not client_info.is_client_info(data.payload):
                raise ProtocolError("data before the Client Info PDU")
            self.is_signed_in = True
            self._initiator = data.initiator
            info = client_info.rewrite(data.payload, self._terms.login)
            flow.to_desktop.append(mcs.with_payload(data, info))
            return
        frame = share.acknowledged_frame(data.payload)
        if frame is not None:
            self.acknowledged = max(frame, self.acknowledged)
        self._had_input = share.has_input(data.payload) or self._had_input
        limited = capabilities.limit_frames(data.payload)
        flow.to_desktop.append(pdu if limited is data.payload else mcs.with_payload(data, limited))

    # -- from the desktop -----------------------------------------------------------------------

    def from_desktop(self, data: Octets) -> Flow:
        """`data` may change afterwards: what goes on is copied, once."""
        flow = Flow()
        whole, ends = self._desktop.cut(data)
        view, start = memoryview(whole), 0
        for end in ends:
            pdu = view[start:end]
            start = end
            if framing.is_fastpath(pdu):
                for one in self._pictures.take(pdu):
                    self._to_browser(one, flow)
            else:
                self._take_answer(bytes(pdu), flow)
        self._end_message(flow)
        self._catch_runaway(flow)
        return flow

    def _catch_runaway(self, flow: Flow) -> None:
        """Acknowledge all frames to a desktop that sends more ahead than was agreed.

        xorgxrdp has given up waiting then; an acknowledgement makes it wait again.
        """
        newest = self._pictures.frame
        if newest > max(self._lent, self.acknowledged) + capabilities.RUNAWAY_FRAMES:
            self._lent = newest
            flow.to_desktop.append(self._own_data(share.acknowledge_frame(self._user, newest)))

    def _to_browser(self, pdu: Octets, flow: Flow) -> None:
        """A message of its own during an activation; else with its neighbours in one."""
        if not self._is_active:
            flow.to_browser.append(bytes(pdu))
            return
        self._message.append(pdu)
        self._message_size += len(pdu)
        if self._message_size >= ENOUGH_FOR_MESSAGE:
            self._end_message(flow)

    def _end_message(self, flow: Flow) -> None:
        if self._message:
            flow.to_browser.append(b"".join(self._message))
            self._message.clear()
            self._message_size = 0

    def _take_answer(self, pdu: bytes, flow: Flow) -> None:
        if self._channel_names is None:
            raise ProtocolError("the desktop speaks first")
        kind = mcs.kind_of(pdu)
        if not self._is_answered:
            self._is_answered = True
            self._channels = dict(zip(gcc.channel_ids(pdu), self._channel_names, strict=False))
        elif kind == mcs.SEND_DATA_INDICATION:
            self._take_desktop_data(mcs.parse_data(pdu), pdu, flow)
            return
        elif kind & mcs.CHOICE == mcs.DISCONNECT:
            self.has_disconnected = True
        self._to_browser(pdu, flow)

    def _take_desktop_data(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        name = self._channels.get(data.channel)
        if name is None:
            self._take_desktop_io(data, pdu, flow)
        elif name == clipboard.CHANNEL:
            self._take_desktop_clipboard(data, pdu, flow)
        elif name in CHANNELS:
            self._to_browser(pdu, flow)

    def _take_desktop_io(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        complete = share.complete_deactivate_all(data.payload)
        if complete:
            self._end_message(flow)
            self._is_active = False
            pdu = mcs.with_payload(data, complete)
        self._to_browser(pdu, flow)
        if share.is_font_map(data.payload):
            self._is_active = True

    def _take_desktop_clipboard(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        verdict = self._desktop_clipboard.judge(data.payload)
        if verdict.answer:
            answer = (mcs.SEND_DATA_REQUEST, data.initiator, data.channel, verdict.answer)
            flow.to_desktop.append(mcs.data_pdu(*answer))
        if verdict.passes:
            for chunk in self._opening.order(data.payload):
                is_same = chunk is data.payload
                self._to_browser(pdu if is_same else mcs.with_payload(data, chunk), flow)
