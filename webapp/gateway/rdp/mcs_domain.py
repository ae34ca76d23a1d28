"""What both sides agreed on in the connection set-up: the user, the channels and the joins.

Only the sequence of MS-RDPBCGR 1.3.1.1 passes, with each PDU once and in its one valid form. So no
data can arrive on a channel whose name is not known.
"""

from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.pdu import gcc, mcs

IO_CHANNEL = 1003
"""The id of the I/O channel, which carries everything that no static channel carries."""


class Domain:
    """The state of the MCS domain, as both sides have agreed on it."""

    def __init__(self) -> None:
        self._names: list[str] | None = None
        self._ids: list[int] | None = None
        self._channels: dict[int, str] = {}
        self._initiator: int | None = None
        self._is_erected = False
        self._is_attaching = False
        self._asked: set[int] = set()
        self._joined: set[int] = set()

    @property
    def initiator(self) -> int:
        """The browser's user id minus FIRST_USER; 0 before it has one."""
        return self._initiator or 0

    @property
    def user(self) -> int:
        return self.initiator + mcs.FIRST_USER

    @property
    def has_begun(self) -> bool:
        """Whether the browser's Connect Initial has arrived."""
        return self._names is not None

    @property
    def is_answered(self) -> bool:
        """Whether the desktop's Connect Response has arrived."""
        return self._ids is not None

    def name_of(self, data: mcs.ChannelData) -> str | None:
        """Return the name of the static channel of the data; None for the I/O channel.

        Raises ProtocolError if the channel is not joined or the sender is unknown.
        """
        if data.initiator != self._initiator:
            raise ProtocolError(f"MCS data of the unknown user {data.initiator}")
        if data.channel not in self._joined or data.channel == self.user:
            raise ProtocolError(f"data for the channel {data.channel}, which nobody joined")
        return self._channels.get(data.channel)

    # -- from the browser -----------------------------------------------------------------------

    def begin(self, pdu: bytes) -> None:
        """Take the browser's Connect Initial. Raises ProtocolError."""
        self._names = gcc.channel_names(pdu)
        if len(set(self._names)) != len(self._names):
            raise ProtocolError("two static channels of one name")

    def take_request(self, kind: int, pdu: bytes, *, is_signed_in: bool) -> None:
        """Take a domain PDU from the browser that carries no data. Raises ProtocolError."""
        if self._ids is None:
            raise ProtocolError("an MCS request before the Connect Response")
        if is_signed_in and kind & mcs.CHOICE != mcs.DISCONNECT:
            raise ProtocolError("MCS set-up after the Client Info PDU")
        if kind == mcs.ERECT_DOMAIN and not self._is_erected:
            mcs.check_erect(pdu)
            self._is_erected = True
        elif kind == mcs.ATTACH_REQUEST and not self._is_attaching:
            mcs.check_attach(pdu)
            self._is_attaching = True
        elif kind == mcs.JOIN_REQUEST:
            self._ask_to_join(*mcs.join_request(pdu))
        elif kind & mcs.CHOICE == mcs.DISCONNECT:
            mcs.check_disconnect(pdu)
        else:
            raise ProtocolError(f"the MCS PDU {kind:#04x} has no place here")

    def _ask_to_join(self, initiator: int, channel: int) -> None:
        known = {IO_CHANNEL, self.user, *self._channels}
        if initiator != self._initiator or channel not in known or channel in self._asked:
            raise ProtocolError(f"the browser cannot join the channel {channel}")
        self._asked.add(channel)

    # -- from the desktop -----------------------------------------------------------------------

    def answer(self, pdu: bytes) -> None:
        """Take the desktop's Connect Response. Raises ProtocolError."""
        names = self._names or []
        self._ids = gcc.channel_ids(pdu)
        taken = {IO_CHANNEL, *self._ids}
        if len(self._ids) != len(names) or len(taken) != len(names) + 1:
            raise ProtocolError("channel ids that are not one for each channel")
        self._channels = dict(zip(self._ids, names, strict=True))

    def take_answer(self, kind: int, pdu: bytes) -> None:
        """Take a domain PDU from the desktop that carries no data. Raises ProtocolError."""
        if kind == mcs.ATTACH_CONFIRM and self._is_attaching and self._initiator is None:
            self._attach(mcs.attached_user(pdu))
        elif kind == mcs.JOIN_CONFIRM:
            initiator, channel = mcs.join_confirm(pdu)
            if initiator != self._initiator or channel not in self._asked - self._joined:
                raise ProtocolError(f"the desktop joins the channel {channel} by itself")
            self._joined.add(channel)
        elif kind & mcs.CHOICE == mcs.DISCONNECT:
            mcs.check_disconnect(pdu)
        else:
            raise ProtocolError(f"the MCS PDU {kind:#04x} has no place here")

    def _attach(self, initiator: int) -> None:
        if initiator + mcs.FIRST_USER in {IO_CHANNEL, *self._channels}:
            raise ProtocolError("an MCS user with the id of a channel")
        self._initiator = initiator
