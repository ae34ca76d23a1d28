"""What happens to each PDU from the browser; `sequence` says which may arrive when."""

from collections.abc import Callable

from webapp.gateway.connection.wire import Octets, ProtocolError
from webapp.gateway.rdp import clipboard, dynamic_channels
from webapp.gateway.rdp.flow import Flow
from webapp.gateway.rdp.pdu import capabilities, client_info, fastpath, gcc, mcs, share
from webapp.gateway.rdp.sequence import FromBrowser, Phase
from webapp.gateway.rdp.shared import Shared
from webapp.gateway.rdp.terms import Terms

_DOMAIN_PDUS = {
    mcs.CONNECT: FromBrowser.CONNECT_INITIAL,
    mcs.ERECT_DOMAIN: FromBrowser.ERECT_DOMAIN,
    mcs.ATTACH_REQUEST: FromBrowser.ATTACH_USER,
    mcs.JOIN_REQUEST: FromBrowser.JOIN,
}
"""By first byte, without the kinds whose first byte varies."""
_CHANNELS = {
    clipboard.CHANNEL: FromBrowser.CLIPBOARD,
    dynamic_channels.CHANNEL: FromBrowser.DYNAMIC_CHANNEL,
}

_INPUT = FromBrowser.INPUT


class BrowserSide:
    """Takes whole PDUs from the browser and adds to a flow what each leads to."""

    def __init__(self, shared: Shared, terms: Terms, rules: clipboard.Filter) -> None:
        self._shared = shared
        self._sequence = shared.sequence
        self._domain = shared.domain
        self._terms = terms
        self._rules = rules
        self.had_input = False
        """Whether there was input from the person; the reader resets it."""
        self.acknowledged = -1
        """The last frame that the browser has acknowledged as drawn."""

    def take_fastpath(self, pdu: Octets, flow: Flow) -> None:
        """Process one input PDU. Raises ProtocolError."""
        self._sequence.after_browser(_INPUT)
        self.had_input = fastpath.has_input(pdu, self._shared.work) or self.had_input
        flow.to_desktop.append(bytes(pdu))

    def take_packet(self, pdu: bytes, flow: Flow) -> None:
        """Process one TPKT packet. Raises ProtocolError."""
        kind, data = self._read(pdu)
        after = self._sequence.after_browser(kind)
        HANDLERS[kind](self, pdu, data, flow)
        self._sequence.enter(after)

    def _read(self, pdu: bytes) -> tuple[FromBrowser, mcs.ChannelData]:
        """Return the kind of a TPKT packet, and its channel data if it has any."""
        choice = mcs.kind_of(pdu)
        if choice == mcs.SEND_DATA_REQUEST:
            data = mcs.parse_data(pdu)
            name = self._domain.name_of(data)
            if name is None:
                return self._io_kind(data.payload), data
            return _CHANNELS.get(name, FromBrowser.OTHER_CHANNEL), data
        if choice & mcs.CHOICE == mcs.DISCONNECT:
            return FromBrowser.DISCONNECT, mcs.NO_DATA
        if choice not in _DOMAIN_PDUS:
            raise ProtocolError(f"the MCS PDU {choice:#04x} has no place here")
        return _DOMAIN_PDUS[choice], mcs.NO_DATA

    def _io_kind(self, payload: bytes) -> FromBrowser:
        """Return the kind of data on the I/O channel.

        Only the phase distinguishes a licensing PDU from a share PDU of 128 bytes.
        """
        phase = self._sequence.phase
        if phase is Phase.JOINING:
            if not client_info.is_client_info(payload):
                raise ProtocolError("data before the Client Info PDU")
            return FromBrowser.CLIENT_INFO
        if phase is Phase.LICENSING:
            if not client_info.is_license(payload):
                raise ProtocolError("something else than licensing before the activation")
            return FromBrowser.LICENSE
        is_confirm = share.check(payload, is_browser=True) == share.CONFIRM_ACTIVE
        return FromBrowser.CONFIRM_ACTIVE if is_confirm else FromBrowser.SHARE_DATA

    # -- the handlers of TPKT packets ------------------------------------------------------------

    def _pass_on(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        flow.to_desktop.append(pdu)

    def _drop(self, _pdu: bytes, _data: mcs.ChannelData, _flow: Flow) -> None:
        """Do nothing: Winux does not offer this channel."""

    def _begin(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        self._domain.begin(pdu)
        flow.to_desktop.append(gcc.rewrite_core_data(pdu, self._terms.keyboard_layout))

    def _erect(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        mcs.check_erect(pdu)
        flow.to_desktop.append(pdu)

    def _attach(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        mcs.check_attach(pdu)
        flow.to_desktop.append(pdu)

    def _join(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        self._domain.ask_to_join(pdu)
        flow.to_desktop.append(pdu)

    def _disconnect(self, pdu: bytes, _: mcs.ChannelData, flow: Flow) -> None:
        mcs.check_disconnect(pdu)
        flow.to_desktop.append(pdu)

    def _sign_in(self, _: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        self._domain.check_joins()
        info = client_info.rewrite(data.payload, self._terms.login)
        flow.to_desktop.append(mcs.with_payload(data, info))

    def _confirm(self, _: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        limited = capabilities.limit_frames(data.payload)
        flow.to_desktop.append(mcs.with_payload(data, limited))

    def _take_share_data(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        frame = share.acknowledged_frame(data.payload)
        if frame is not None:
            self.acknowledged = max(frame, self.acknowledged)
        self.had_input = share.has_input(data.payload) or self.had_input
        flow.to_desktop.append(pdu)

    def _take_clipboard(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        verdict = self._rules.judge(data.payload)
        if verdict.answer:
            for chunk in (verdict.answer, *self._shared.opening.answered()):
                answer = (mcs.SEND_DATA_INDICATION, data.initiator, data.channel, chunk)
                flow.to_browser.append(mcs.data_pdu(*answer))
        if verdict.passes:
            if first := clipboard.ahead_of(data.payload):
                flow.to_desktop.append(mcs.with_payload(data, first))
            flow.to_desktop.append(pdu)

    def _take_dynamic(self, pdu: bytes, data: mcs.ChannelData, flow: Flow) -> None:
        if self._shared.dynamic.from_browser(data.payload).passes:
            flow.to_desktop.append(pdu)


Handler = Callable[[BrowserSide, bytes, mcs.ChannelData, Flow], None]
HANDLERS: dict[FromBrowser, Handler] = {
    FromBrowser.CONNECT_INITIAL: BrowserSide._begin,
    FromBrowser.ERECT_DOMAIN: BrowserSide._erect,
    FromBrowser.ATTACH_USER: BrowserSide._attach,
    FromBrowser.JOIN: BrowserSide._join,
    FromBrowser.CLIENT_INFO: BrowserSide._sign_in,
    FromBrowser.LICENSE: BrowserSide._pass_on,
    FromBrowser.CONFIRM_ACTIVE: BrowserSide._confirm,
    FromBrowser.SHARE_DATA: BrowserSide._take_share_data,
    FromBrowser.CLIPBOARD: BrowserSide._take_clipboard,
    FromBrowser.DYNAMIC_CHANNEL: BrowserSide._take_dynamic,
    FromBrowser.OTHER_CHANNEL: BrowserSide._drop,
    FromBrowser.DISCONNECT: BrowserSide._disconnect,
}
"""For all but fast-path input, which is no TPKT packet."""
