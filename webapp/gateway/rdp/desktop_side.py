"""What happens to each PDU from the desktop; `sequence` says which may arrive when."""

from collections.abc import Callable

from webapp.gateway.connection.wire import Octets, ProtocolError
from webapp.gateway.rdp import clipboard, dynamic_channels, surface
from webapp.gateway.rdp.flow import Batch, Flow
from webapp.gateway.rdp.pdu import capabilities, client_info, mcs, share
from webapp.gateway.rdp.sequence import FromDesktop, Phase
from webapp.gateway.rdp.shared import Shared

_DOMAIN_PDUS = {
    mcs.CONNECT: FromDesktop.CONNECT_RESPONSE,
    mcs.ATTACH_CONFIRM: FromDesktop.ATTACH_CONFIRM,
    mcs.JOIN_CONFIRM: FromDesktop.JOIN_CONFIRM,
}
"""By first byte, without the kinds whose first byte varies."""
_CHANNELS = {
    clipboard.CHANNEL: FromDesktop.CLIPBOARD,
    dynamic_channels.CHANNEL: FromDesktop.DYNAMIC_CHANNEL,
}
_SHARE_PDUS = {
    share.DEMAND_ACTIVE: FromDesktop.DEMAND_ACTIVE,
    share.DEACTIVATE_ALL: FromDesktop.DEACTIVATE_ALL,
}

_UPDATE = FromDesktop.UPDATE


class DesktopSide:
    """Takes whole PDUs from the desktop and adds to a flow what each leads to."""

    def __init__(self, shared: Shared, rules: clipboard.Filter) -> None:
        self._shared = shared
        self._sequence = shared.sequence
        self._domain = shared.domain
        self._rules = rules
        self._batch = Batch()
        self.pictures = surface.RegionFixer(shared.work)
        self.has_disconnected = False
        """Whether the desktop sent an MCS Disconnect Provider Ultimatum: the person logged out."""

    def take_fastpath(self, pdu: Octets, flow: Flow) -> None:
        """Process one update PDU. Raises ProtocolError."""
        self._sequence.after_desktop(_UPDATE)
        for one in self.pictures.take(pdu):
            self._batch.add(one, flow)

    def take_packet(self, pdu: bytes, flow: Flow) -> None:
        """Process one TPKT packet. Raises ProtocolError."""
        kind, data = self._read(pdu)
        after = self._sequence.after_desktop(kind)
        HANDLERS[kind](self, pdu, data, flow)
        self._sequence.enter(after)
        self._batch.is_joining = after is Phase.ACTIVE

    def end_turn(self, flow: Flow) -> None:
        """Add the PDUs that still wait to be joined."""
        self._batch.end(flow)

    def _read(self, pdu: bytes) -> tuple[FromDesktop, mcs.ChannelData]:
        """Return the kind of a TPKT packet, and its channel data if it has any."""
        choice = mcs.kind_of(pdu)
        if choice == mcs.SEND_DATA_INDICATION:
            data = mcs.parse_data(pdu)
            name = self._domain.name_of(data)
            if name is None:
                return self._io_kind(data.payload), data
            return _CHANNELS.get(name, FromDesktop.OTHER_CHANNEL), data
        if choice & mcs.CHOICE == mcs.DISCONNECT:
            return FromDesktop.DISCONNECT, mcs.NO_DATA
        if choice not in _DOMAIN_PDUS:
            raise ProtocolError(f"the MCS PDU {choice:#04x} has no place here")
        return _DOMAIN_PDUS[choice], mcs.NO_DATA

    def _io_kind(self, payload: bytes) -> FromDesktop:
        """Return the kind of data on the I/O channel.

        Only the phase distinguishes a licensing PDU from a share PDU of 128 bytes.
        """
        if self._sequence.phase is Phase.LICENSING and client_info.is_license(payload):
            return FromDesktop.LICENSE
        kind = share.check(payload, is_browser=False)
        if kind in _SHARE_PDUS:
            return _SHARE_PDUS[kind]
        return FromDesktop.FONT_MAP if share.is_font_map(payload) else FromDesktop.SHARE_DATA

    # -- the handlers of TPKT packets ------------------------------------------------------------

    def _pass_on(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        self._batch.add(pdu, flow)

    def _drop(self, _pdu: bytes, _data: mcs.ChannelData, _flow: Flow) -> None:
        """Do nothing: Winux does not offer this channel."""

    def _connect(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        self._domain.answer(pdu)
        self._batch.add(pdu, flow)

    def _attach(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        self._domain.attach(pdu)
        self._batch.add(pdu, flow)

    def _join(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        self._domain.join(pdu)
        self._batch.add(pdu, flow)

    def _disconnect(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        mcs.check_disconnect(pdu)
        self.has_disconnected = True
        self._batch.add(pdu, flow)

    def _demand(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        self.pictures.resize(*capabilities.screen_size(data.payload))
        self._batch.add(pdu, flow)

    def _deactivate(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        """Complete xrdp's Deactivate All; send it, as all that follows, in a message of its own."""
        self._batch.end(flow)
        self._batch.is_joining = False
        complete = share.complete_deactivate_all(data.payload)
        self._batch.add(mcs.with_payload(data, complete) if complete else pdu, flow)

    def _take_clipboard(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        verdict = self._rules.judge(data.payload)
        self._answer(data, verdict, flow)
        if verdict.passes:
            for chunk in self._shared.opening.order(data.payload):
                is_same = chunk is data.payload
                self._batch.add(pdu if is_same else mcs.with_payload(data, chunk), flow)

    def _take_dynamic(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        verdict = self._shared.dynamic.from_desktop(data.payload)
        self._answer(data, verdict, flow)
        if verdict.passes:
            self._batch.add(pdu, flow)

    def _answer(self, data: mcs.ChannelData, verdict: clipboard.Verdict, flow: Flow) -> None:
        """Answer the desktop in place of the browser."""
        if verdict.answer:
            answer = (mcs.SEND_DATA_REQUEST, data.initiator, data.channel, verdict.answer)
            flow.to_desktop.append(mcs.data_pdu(*answer))


Handler = Callable[[DesktopSide, bytes, mcs.ChannelData, Flow], None]
HANDLERS: dict[FromDesktop, Handler] = {
    FromDesktop.CONNECT_RESPONSE: DesktopSide._connect,
    FromDesktop.ATTACH_CONFIRM: DesktopSide._attach,
    FromDesktop.JOIN_CONFIRM: DesktopSide._join,
    FromDesktop.LICENSE: DesktopSide._pass_on,
    FromDesktop.DEMAND_ACTIVE: DesktopSide._demand,
    FromDesktop.DEACTIVATE_ALL: DesktopSide._deactivate,
    FromDesktop.FONT_MAP: DesktopSide._pass_on,
    FromDesktop.SHARE_DATA: DesktopSide._pass_on,
    FromDesktop.CLIPBOARD: DesktopSide._take_clipboard,
    FromDesktop.DYNAMIC_CHANNEL: DesktopSide._take_dynamic,
    FromDesktop.OTHER_CHANNEL: DesktopSide._drop,
    FromDesktop.DISCONNECT: DesktopSide._disconnect,
}
"""For all but fast-path updates, which are no TPKT packets."""
