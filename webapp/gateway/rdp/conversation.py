"""One RDP connection as the gateway sees it: takes bytes from each side, returns bytes for each.

Uses no sockets and no clock. Covers the stream inside TLS, from the Connect Initial on. The gateway
reads the set-up, input, channel headers and clip regions; pictures pass undecoded. It works in
turns (`work`): a call that reaches the limit leaves the rest to the next call.

Only PDUs that the gateway understands pass, from either side. A PDU of an unknown kind, in the
wrong place, or in any but its one valid form ends the connection. So neither side can send a PDU
that the gateway and the other side read differently. The gateway makes these changes, which
IronRDP 0.7 and xrdp 0.9.21 need:

1. Client Info: the real user and password are filled in (`client_info`).
2. Core data: 32 bpp, the LAN connection type, a client build that may resize (`gcc`).
3. Server PDUs go out one per message until Font Map, at every activation: IronRDP drops what
   follows in the same message.
4. xrdp's Deactivate All is completed (`share`).
5. Clipboard messages of a forbidden direction, and channels that Winux does not offer, are
   dropped (`clipboard`, `dynamic_channels`). The first clipboard messages are reordered, because
   IronRDP fails on some orders.
6. RemoteFX regions that IronRDP would clip wrongly are split (`surface`, `remotefx`), and tiles
   that were drawn in part are requested again, whole (`partial_tiles`).
7. Frames are acknowledged in place of a slow browser, one every few seconds
   (`lend_acknowledgement`). xorgxrdp waits eight seconds for an acknowledgement, then overwrites
   pictures while xrdp encodes them, which shows as green bars. The number of unacknowledged
   frames is limited (`capabilities`).
"""

from webapp.gateway.connection.wire import Octets, ProtocolError
from webapp.gateway.rdp import clipboard, dynamic_channels, mcs_domain, surface
from webapp.gateway.rdp.flow import Batch, Flow
from webapp.gateway.rdp.pdu import capabilities, client_info, fastpath, framing, gcc, mcs, share
from webapp.gateway.rdp.pdu.work import BYTES_OF_A_STEP, Work
from webapp.gateway.rdp.terms import Terms

_SLOW_PATH_STEPS = 3
"""Steps that a TPKT packet costs in addition to those of any PDU."""


class Conversation:
    """Both directions of a connection. The caller must end the connection on a ProtocolError."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.work = Work()
        self._browser = framing.Splitter()
        self._desktop = framing.Splitter()
        self._pictures = surface.RegionFixer(self.work)
        self._browser_clipboard, self._desktop_clipboard = clipboard.filters(terms.rules)
        self._opening = clipboard.Opening()
        self._dynamic = dynamic_channels.DynamicChannels()
        self._domain = mcs_domain.Domain()
        self.is_signed_in = False
        self.has_disconnected = False
        """Whether the desktop sent an MCS Disconnect Provider Ultimatum: the person logged out."""
        self._is_demanded = False
        """Whether licensing is over and the desktop has sent its capabilities (Demand Active)."""
        self._batch = Batch()
        self._had_input = False
        self.acknowledged = -1
        """The last frame that the browser has acknowledged as drawn."""
        self._lent = -1

    @property
    def is_browser_waiting(self) -> bool:
        """Whether `go_on_browser` has bytes left to process."""
        return self._browser.is_waiting

    @property
    def is_desktop_waiting(self) -> bool:
        return self._desktop.is_waiting

    def take_input(self) -> bool:
        """Whether there was input from the person since the last call."""
        had, self._had_input = self._had_input, False
        return had

    @property
    def has_partial_tiles(self) -> bool:
        """Whether `refresh` has tiles to request again (`partial_tiles`)."""
        return bool(self._pictures.partial)

    def refresh(self) -> Flow:
        """Return a request that the desktop draw the partial tiles again, whole."""
        areas = self._pictures.partial.take()
        if not areas:
            return Flow()
        return Flow(to_desktop=[self._own_data(share.refresh_areas(self._domain.user, areas))])

    @property
    def awaits_browser(self) -> bool:
        """Whether frames arrived that the browser has not acknowledged."""
        return self._pictures.frame > self.acknowledged or self._pictures.is_in_frame

    def lend_acknowledgement(self) -> Flow:
        """Acknowledge one more frame to the desktop in place of a slow browser."""
        self._lent = max(self._lent, self.acknowledged) + 1
        return Flow(
            to_desktop=[self._own_data(share.acknowledge_frame(self._domain.user, self._lent))]
        )

    def _own_data(self, payload: bytes) -> bytes:
        """Return the packet for a PDU that the gateway itself sends to the desktop."""
        request = (mcs.SEND_DATA_REQUEST, self._domain.initiator, mcs_domain.IO_CHANNEL)
        return mcs.data_pdu(*request, payload)

    def _next(self, side: framing.Splitter) -> Octets | None:
        """Return the next PDU of a side; None if there is none yet or the turn is over."""
        if self.work.is_enough or (pdu := side.next()) is None:
            return None
        is_slow_path = not framing.is_fastpath(pdu)
        self.work.spend(1 + len(pdu) // BYTES_OF_A_STEP + _SLOW_PATH_STEPS * is_slow_path)
        return pdu

    # -- from the browser -----------------------------------------------------------------------

    def from_browser(self, data: bytes) -> Flow:
        self._browser.put(data)
        return self.go_on_browser()

    def go_on_browser(self) -> Flow:
        """Process one turn of the bytes that the browser sent."""
        flow = Flow()
        self.work.begin_turn()
        while (pdu := self._next(self._browser)) is not None:
            if framing.is_fastpath(pdu):
                self._take_fastpath_input(pdu, flow)
            else:
                self._take_request(bytes(pdu), flow)
        return flow

    def _take_fastpath_input(self, pdu: Octets, flow: Flow) -> None:
        if not self.is_signed_in:
            raise ProtocolError("input before signing in")
        self._had_input = fastpath.has_input(pdu, self.work) or self._had_input
        flow.to_desktop.append(bytes(pdu))

    def _take_request(self, pdu: bytes, flow: Flow) -> None:
        kind = mcs.kind_of(pdu)
        if not self._domain.has_begun:
            self._domain.begin(pdu)
            pdu = gcc.rewrite_core_data(pdu, self._terms.keyboard_layout)
        elif kind == mcs.SEND_DATA_REQUEST:
            self._take_browser_data(mcs.parse_data(pdu), pdu, flow)
            return
        else:
            self._domain.take_request(kind, pdu, is_signed_in=self.is_signed_in)
        flow.to_desktop.append(pdu)

    def _take_browser_data(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        name = self._domain.name_of(data)
        if name is None:
            self._take_io_data(data, pdu, flow)
        elif name == clipboard.CHANNEL:
            self._take_browser_clipboard(data, pdu, flow)
        elif name == dynamic_channels.CHANNEL and self._dynamic.from_browser(data.payload).passes:
            flow.to_desktop.append(pdu)

    def _take_browser_clipboard(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        verdict = self._browser_clipboard.judge(data.payload)
        if verdict.answer:
            for chunk in (verdict.answer, *self._opening.answered()):
                answer = (mcs.SEND_DATA_INDICATION, data.initiator, data.channel, chunk)
                flow.to_browser.append(mcs.data_pdu(*answer))
        if verdict.passes:
            if first := clipboard.ahead_of(data.payload):
                flow.to_desktop.append(mcs.with_payload(data, first))
            flow.to_desktop.append(pdu)

    def _take_io_data(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        if not self.is_signed_in:
            self._sign_in(data, flow)
        elif not self._is_demanded:
            if not client_info.is_license(data.payload):
                raise ProtocolError("something else than licensing before the activation")
            flow.to_desktop.append(pdu)
        elif share.check(data.payload, is_browser=True) == share.CONFIRM_ACTIVE:
            limited = capabilities.limit_frames(data.payload)
            flow.to_desktop.append(mcs.with_payload(data, limited))
        else:
            frame = share.acknowledged_frame(data.payload)
            if frame is not None:
                self.acknowledged = max(frame, self.acknowledged)
            self._had_input = share.has_input(data.payload) or self._had_input
            flow.to_desktop.append(pdu)

    def _sign_in(self, data: mcs.ChannelData, flow: Flow) -> None:
        if not client_info.is_client_info(data.payload):
            raise ProtocolError("data before the Client Info PDU")
        self.is_signed_in = True
        info = client_info.rewrite(data.payload, self._terms.login)
        flow.to_desktop.append(mcs.with_payload(data, info))

    # -- from the desktop -----------------------------------------------------------------------

    def from_desktop(self, data: Octets) -> Flow:
        """Process received bytes. The caller may reuse `data`: what goes on is copied, once."""
        self._desktop.put(data)
        return self.go_on_desktop()

    def go_on_desktop(self) -> Flow:
        """Process one turn of the bytes that the desktop sent."""
        flow = Flow()
        self.work.begin_turn()
        while (pdu := self._next(self._desktop)) is not None:
            if not framing.is_fastpath(pdu):
                self._take_answer(bytes(pdu), flow)
            elif self._is_demanded:
                for one in self._pictures.take(pdu):
                    self._batch.add(one, flow)
            else:
                raise ProtocolError("pictures before the activation")
        self._batch.end(flow)
        self._desktop.keep()
        self._catch_runaway(flow)
        return flow

    def _catch_runaway(self, flow: Flow) -> None:
        """Acknowledge all frames to a desktop that sends more ahead than agreed.

        xorgxrdp has then stopped waiting; an acknowledgement makes it wait again.
        """
        newest = self._pictures.frame
        if newest > max(self._lent, self.acknowledged) + capabilities.RUNAWAY_FRAMES:
            self._lent = newest
            flow.to_desktop.append(
                self._own_data(share.acknowledge_frame(self._domain.user, newest))
            )

    def _take_answer(self, pdu: bytes, flow: Flow) -> None:
        if not self._domain.has_begun:
            raise ProtocolError("the desktop speaks first")
        kind = mcs.kind_of(pdu)
        if not self._domain.is_answered:
            self._domain.answer(pdu)
        elif kind == mcs.SEND_DATA_INDICATION:
            self._take_desktop_data(mcs.parse_data(pdu), pdu, flow)
            return
        else:
            self._domain.take_answer(kind, pdu)
            self.has_disconnected |= kind & mcs.CHOICE == mcs.DISCONNECT
        self._batch.add(pdu, flow)

    def _take_desktop_data(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        if not self.is_signed_in:
            raise ProtocolError("data of the desktop before the Client Info PDU")
        name = self._domain.name_of(data)
        if name is None:
            self._take_desktop_io(data, pdu, flow)
        elif name == clipboard.CHANNEL:
            self._take_desktop_clipboard(data, pdu, flow)
        elif name == dynamic_channels.CHANNEL:
            verdict = self._dynamic.from_desktop(data.payload)
            self._answer_desktop(data, verdict, flow)
            if verdict.passes:
                self._batch.add(pdu, flow)

    def _take_desktop_io(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        if not self._is_demanded and client_info.is_license(data.payload):
            self._batch.add(pdu, flow)
            return
        kind = share.check(data.payload, is_browser=False)
        if kind == share.DEMAND_ACTIVE:
            self._is_demanded = True
            self._pictures.resize(*capabilities.screen_size(data.payload))
        elif not self._is_demanded:
            raise ProtocolError("something else than licensing before the activation")
        complete = share.complete_deactivate_all(data.payload)
        if complete:
            self._batch.end(flow)
            self._batch.is_joining = False
            pdu = mcs.with_payload(data, complete)
        self._batch.add(pdu, flow)
        if share.is_font_map(data.payload):
            self._batch.is_joining = True

    def _take_desktop_clipboard(self, data: mcs.ChannelData, pdu: bytes, flow: Flow) -> None:
        verdict = self._desktop_clipboard.judge(data.payload)
        self._answer_desktop(data, verdict, flow)
        if verdict.passes:
            for chunk in self._opening.order(data.payload):
                is_same = chunk is data.payload
                self._batch.add(pdu if is_same else mcs.with_payload(data, chunk), flow)

    def _answer_desktop(
        self, data: mcs.ChannelData, verdict: clipboard.Verdict, flow: Flow
    ) -> None:
        """Answer the desktop in place of the browser."""
        if verdict.answer:
            answer = (mcs.SEND_DATA_REQUEST, data.initiator, data.channel, verdict.answer)
            flow.to_desktop.append(mcs.data_pdu(*answer))
