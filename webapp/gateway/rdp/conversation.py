"""One RDP connection as the gateway sees it: takes bytes from each side, returns bytes for each.

Uses no sockets and no clock. Covers the stream inside TLS, from the Connect Initial on. The gateway
reads the set-up, input, channel headers and clip regions; pictures pass undecoded. It works in
turns (`work`): a call that reaches the limit leaves the rest to the next call.

Only PDUs that the gateway understands pass, from either side. A PDU of an unknown kind, in the
wrong phase (`sequence`), or in any but its one valid form ends the connection. So neither side can
send a PDU that the gateway and the other side read differently. The gateway makes these changes,
which IronRDP 0.7 and xrdp 0.9.21 need:

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

from webapp.gateway.connection.wire import Octets
from webapp.gateway.rdp import clipboard, mcs_domain
from webapp.gateway.rdp.browser_side import BrowserSide
from webapp.gateway.rdp.desktop_side import DesktopSide
from webapp.gateway.rdp.flow import Flow
from webapp.gateway.rdp.pdu import capabilities, framing, mcs, share
from webapp.gateway.rdp.pdu.work import BYTES_OF_A_STEP
from webapp.gateway.rdp.sequence import Phase
from webapp.gateway.rdp.shared import Shared
from webapp.gateway.rdp.terms import Terms

_SLOW_PATH_STEPS = 3
"""Steps that a TPKT packet costs in addition to those of any PDU."""


class Conversation:
    """Both directions of a connection. The caller must end the connection on a ProtocolError."""

    def __init__(self, terms: Terms) -> None:
        browser_rules, desktop_rules = clipboard.filters(terms.rules)
        shared = Shared()
        self.work = shared.work
        self._sequence = shared.sequence
        self._domain = shared.domain
        self._from_browser, self._from_desktop = framing.Splitter(), framing.Splitter()
        self._browser = BrowserSide(shared, terms, browser_rules)
        self._desktop = DesktopSide(shared, desktop_rules)
        self._pictures = self._desktop.pictures
        self._lent = -1
        """The last frame that the gateway has acknowledged in place of the browser."""

    @property
    def phase(self) -> Phase:
        """How far the connection is."""
        return self._sequence.phase

    @property
    def is_signed_in(self) -> bool:
        """Whether the browser has sent its Client Info PDU."""
        return self._sequence.is_signed_in

    @property
    def has_disconnected(self) -> bool:
        """Whether the desktop said that it ends the connection: the person logged out."""
        return self._desktop.has_disconnected

    @property
    def is_browser_waiting(self) -> bool:
        """Whether `go_on_browser` has bytes left to process."""
        return self._from_browser.is_waiting

    @property
    def is_desktop_waiting(self) -> bool:
        return self._from_desktop.is_waiting

    def take_input(self) -> bool:
        """Whether there was input from the person since the last call."""
        had, self._browser.had_input = self._browser.had_input, False
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

    # -- frames ---------------------------------------------------------------------------------

    @property
    def acknowledged(self) -> int:
        """The last frame that the browser has acknowledged as drawn."""
        return self._browser.acknowledged

    @property
    def awaits_browser(self) -> bool:
        """Whether frames arrived that the browser has not acknowledged."""
        return self._pictures.frame > self.acknowledged or self._pictures.is_in_frame

    def lend_acknowledgement(self) -> Flow:
        """Acknowledge one more frame to the desktop in place of a slow browser."""
        self._lent = max(self._lent, self.acknowledged) + 1
        return Flow(to_desktop=[self._acknowledgement()])

    def _catch_runaway(self, flow: Flow) -> None:
        """Acknowledge all frames to a desktop that sends more ahead than agreed.

        xorgxrdp has then stopped waiting; an acknowledgement makes it wait again.
        """
        newest = self._pictures.frame
        if newest > max(self._lent, self.acknowledged) + capabilities.RUNAWAY_FRAMES:
            self._lent = newest
            flow.to_desktop.append(self._acknowledgement())

    def _acknowledgement(self) -> bytes:
        return self._own_data(share.acknowledge_frame(self._domain.user, self._lent))

    def _own_data(self, payload: bytes) -> bytes:
        """Return the packet for a PDU that the gateway itself sends to the desktop."""
        request = (mcs.SEND_DATA_REQUEST, self._domain.initiator, mcs_domain.IO_CHANNEL)
        return mcs.data_pdu(*request, payload)

    # -- turns ----------------------------------------------------------------------------------

    def from_browser(self, data: bytes) -> Flow:
        self._from_browser.put(data)
        return self.go_on_browser()

    def go_on_browser(self) -> Flow:
        """Process one turn of the bytes that the browser sent."""
        flow = Flow()
        self._take_turn(self._from_browser, self._browser, flow)
        return flow

    def from_desktop(self, data: Octets) -> Flow:
        """Process received bytes. The caller may reuse `data`: forwarded data is copied once."""
        self._from_desktop.put(data)
        return self.go_on_desktop()

    def go_on_desktop(self) -> Flow:
        """Process one turn of the bytes that the desktop sent."""
        flow = Flow()
        self._take_turn(self._from_desktop, self._desktop, flow)
        self._desktop.end_turn(flow)
        self._from_desktop.keep()
        self._catch_runaway(flow)
        return flow

    def _take_turn(
        self, source: framing.Splitter, side: BrowserSide | DesktopSide, flow: Flow
    ) -> None:
        """Process whole PDUs until there are none or the turn is over."""
        work = self.work
        work.begin_turn()
        while not work.is_enough and (pdu := source.next()) is not None:
            if framing.is_fastpath(pdu):
                work.spend(1 + len(pdu) // BYTES_OF_A_STEP)
                side.take_fastpath(pdu, flow)
            else:
                work.spend(1 + len(pdu) // BYTES_OF_A_STEP + _SLOW_PATH_STEPS)
                side.take_packet(bytes(pdu), flow)
