"""What both sides agreed on in the connection set-up: the user, the channels and the joins.

When each PDU may arrive is in `sequence`. Here each must have its one valid form and fit those
before it, so that no data can arrive on a channel whose name is not known.
"""

from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.pdu import gcc, mcs

IO_CHANNEL = 1003
"""The id of the I/O channel, which carries everything that no static channel carries."""


class Domain:
    """The user and the channels of the MCS domain, as both sides have agreed on them."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._channels: dict[int, str] = {}
        self._initiator: int | None = None
        self._asked: set[int] = set()
        self._joined: set[int] = set()

    @property
    def initiator(self) -> int:
        """The browser's user id minus FIRST_USER; 0 before it has one."""
        return self._initiator or 0

    @property
    def user(self) -> int:
        return self.initiator + mcs.FIRST_USER

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

    def ask_to_join(self, pdu: bytes) -> None:
        """Take a Channel Join Request. Raises ProtocolError."""
        initiator, channel = mcs.join_request(pdu)
        known = {IO_CHANNEL, self.user, *self._channels}
        if initiator != self._initiator or channel not in known or channel in self._asked:
            raise ProtocolError(f"the browser cannot join the channel {channel}")
        self._asked.add(channel)

    def check_joins(self) -> None:
        """Raise ProtocolError if the desktop has not confirmed every requested channel."""
        if missing := self._asked - self._joined:
            raise ProtocolError(f"the Client Info PDU before the join of {min(missing)}")

    # -- from the desktop -----------------------------------------------------------------------

    def answer(self, pdu: bytes) -> None:
        """Take the desktop's Connect Response. Raises ProtocolError."""
        ids = gcc.channel_ids(pdu)
        taken = {IO_CHANNEL, *ids}
        if len(ids) != len(self._names) or len(taken) != len(self._names) + 1:
            raise ProtocolError("channel ids that are not one for each channel")
        self._channels = dict(zip(ids, self._names, strict=True))

    def attach(self, pdu: bytes) -> None:
        """Take the Attach User Confirm. Raises ProtocolError."""
        initiator = mcs.attached_user(pdu)
        if initiator + mcs.FIRST_USER in {IO_CHANNEL, *self._channels}:
            raise ProtocolError("an MCS user with the id of a channel")
        self._initiator = initiator

    def join(self, pdu: bytes) -> None:
        """Take a Channel Join Confirm. Raises ProtocolError."""
        initiator, channel = mcs.join_confirm(pdu)
        if initiator != self._initiator or channel not in self._asked - self._joined:
            raise ProtocolError(f"the desktop joins the channel {channel} by itself")
        self._joined.add(channel)
