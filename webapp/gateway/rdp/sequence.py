"""The order of a connection's PDUs, as one table (MS-RDPBCGR 1.3.1.1 and 1.3.1.3).

Each PDU is looked up here before it is handled. One that the phase does not list ends the
connection. A phase holds for both sides: up to the Client Info PDU they take turns, and afterwards
a phase lists what either side may still have under way.

Independent of the phase, and therefore kept elsewhere:

- The joins (`mcs_domain`): a browser may request several channels before the first confirm.
- Clipboard messages (`clipboard`) and dynamic channels (`dynamic_channels`, with a table of its
  own): each channel has a sequence of its own, which continues during a reactivation.
- The order of the PDUs that complete an activation (Synchronize, Control, Font List): they
  carry nothing that the gateway or a clipboard rule depends on.
- Whether the desktop has sent a Disconnect Provider Ultimatum: the relay then closes the
  connection, and what follows in the same bytes passes as before.
"""

from dataclasses import dataclass
from enum import StrEnum

from webapp.gateway.connection.wire import ProtocolError


class Phase(StrEnum):
    """How far a connection is."""

    START = "start"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ERECTED = "erected"
    ATTACHING = "attaching"
    JOINING = "joining"
    LICENSING = "licensing"
    ACTIVATING = "activating"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class FromBrowser(StrEnum):
    """The PDUs that a browser may send."""

    CONNECT_INITIAL = "Connect Initial"
    ERECT_DOMAIN = "Erect Domain Request"
    ATTACH_USER = "Attach User Request"
    JOIN = "Channel Join Request"
    CLIENT_INFO = "Client Info"
    LICENSE = "License"
    CONFIRM_ACTIVE = "Confirm Active"
    SHARE_DATA = "Share Data"
    INPUT = "Fast-Path Input"
    CLIPBOARD = "Clipboard"
    DYNAMIC_CHANNEL = "Dynamic Channel"
    OTHER_CHANNEL = "Other Channel"
    DISCONNECT = "Disconnect"


class FromDesktop(StrEnum):
    """The PDUs that a desktop may send."""

    CONNECT_RESPONSE = "Connect Response"
    ATTACH_CONFIRM = "Attach User Confirm"
    JOIN_CONFIRM = "Channel Join Confirm"
    LICENSE = "License"
    DEMAND_ACTIVE = "Demand Active"
    DEACTIVATE_ALL = "Deactivate All"
    FONT_MAP = "Font Map"
    SHARE_DATA = "Share Data"
    UPDATE = "Fast-Path Update"
    CLIPBOARD = "Clipboard"
    DYNAMIC_CHANNEL = "Dynamic Channel"
    OTHER_CHANNEL = "Other Channel"
    DISCONNECT = "Disconnect"


@dataclass(frozen=True)
class Row:
    """The PDUs that may arrive in one phase, each with the phase after it."""

    browser: dict[FromBrowser, Phase]
    desktop: dict[FromDesktop, Phase]


_BROWSER_SHARE = (
    FromBrowser.CONFIRM_ACTIVE,
    FromBrowser.SHARE_DATA,
    FromBrowser.INPUT,
    FromBrowser.CLIPBOARD,
    FromBrowser.DYNAMIC_CHANNEL,
    FromBrowser.OTHER_CHANNEL,
    FromBrowser.DISCONNECT,
)
"""Also during a reactivation: the browser learns of a Deactivate All later than the gateway. A
desktop that resizes twice receives its first Confirm Active after the second Demand Active."""
_DESKTOP_SHARE = (
    FromDesktop.SHARE_DATA,
    FromDesktop.UPDATE,
    FromDesktop.CLIPBOARD,
    FromDesktop.DYNAMIC_CHANNEL,
    FromDesktop.OTHER_CHANNEL,
    FromDesktop.DISCONNECT,
)
"""Also during a reactivation: xrdp 0.9 sends channel data between its two PDUs, and pictures
before the browser's Confirm Active."""


def _row(
    phase: Phase,
    browser: dict[FromBrowser, Phase] | None = None,
    desktop: dict[FromDesktop, Phase] | None = None,
    *,
    browser_stays: tuple[FromBrowser, ...] = (FromBrowser.DISCONNECT,),
    desktop_stays: tuple[FromDesktop, ...] = (FromDesktop.DISCONNECT,),
) -> Row:
    """Return a row; a PDU in `browser_stays` or `desktop_stays` leaves the phase as it is."""
    return Row(
        (browser or {}) | dict.fromkeys(browser_stays, phase),
        (desktop or {}) | dict.fromkeys(desktop_stays, phase),
    )


TABLE: dict[Phase, Row] = {
    Phase.START: Row(browser={FromBrowser.CONNECT_INITIAL: Phase.CONNECTING}, desktop={}),
    Phase.CONNECTING: Row(browser={}, desktop={FromDesktop.CONNECT_RESPONSE: Phase.CONNECTED}),
    Phase.CONNECTED: _row(
        Phase.CONNECTED,
        browser={FromBrowser.ERECT_DOMAIN: Phase.ERECTED},
    ),
    Phase.ERECTED: _row(
        Phase.ERECTED,
        browser={FromBrowser.ATTACH_USER: Phase.ATTACHING},
    ),
    Phase.ATTACHING: _row(
        Phase.ATTACHING,
        desktop={FromDesktop.ATTACH_CONFIRM: Phase.JOINING},
    ),
    Phase.JOINING: _row(
        Phase.JOINING,
        browser={FromBrowser.CLIENT_INFO: Phase.LICENSING},
        browser_stays=(FromBrowser.JOIN, FromBrowser.DISCONNECT),
        desktop_stays=(FromDesktop.JOIN_CONFIRM, FromDesktop.DISCONNECT),
    ),
    Phase.LICENSING: _row(
        Phase.LICENSING,
        desktop={FromDesktop.DEMAND_ACTIVE: Phase.ACTIVATING},
        browser_stays=(FromBrowser.LICENSE, FromBrowser.DISCONNECT),
        desktop_stays=(FromDesktop.LICENSE, FromDesktop.DISCONNECT),
    ),
    Phase.ACTIVATING: _row(
        Phase.ACTIVATING,
        desktop={
            FromDesktop.FONT_MAP: Phase.ACTIVE,
            FromDesktop.DEACTIVATE_ALL: Phase.DEACTIVATED,
        },
        browser_stays=_BROWSER_SHARE,
        desktop_stays=_DESKTOP_SHARE,
    ),
    Phase.ACTIVE: _row(
        Phase.ACTIVE,
        desktop={FromDesktop.DEACTIVATE_ALL: Phase.DEACTIVATED},
        browser_stays=_BROWSER_SHARE,
        desktop_stays=(*_DESKTOP_SHARE, FromDesktop.FONT_MAP),  # the second, after two resizes
    ),
    Phase.DEACTIVATED: _row(
        Phase.DEACTIVATED,
        desktop={FromDesktop.DEMAND_ACTIVE: Phase.ACTIVATING},
        browser_stays=_BROWSER_SHARE,
        desktop_stays=_DESKTOP_SHARE,
    ),
}

SIGNED_IN = frozenset({Phase.LICENSING, Phase.ACTIVATING, Phase.ACTIVE, Phase.DEACTIVATED})
"""The phases after the Client Info PDU."""


class Sequence:
    """The phase of one connection; the only code that changes it."""

    def __init__(self) -> None:
        self.phase = Phase.START
        self._row = TABLE[Phase.START]

    @property
    def is_signed_in(self) -> bool:
        return self.phase in SIGNED_IN

    def after_browser(self, pdu: FromBrowser) -> Phase:
        """Return the phase that follows a PDU of the browser. Raises ProtocolError."""
        after = self._row.browser.get(pdu)
        if after is None:
            raise ProtocolError(f"the browser's {pdu} PDU has no place in the phase {self.phase}")
        return after

    def after_desktop(self, pdu: FromDesktop) -> Phase:
        """Return the phase that follows a PDU of the desktop. Raises ProtocolError."""
        after = self._row.desktop.get(pdu)
        if after is None:
            raise ProtocolError(f"the desktop's {pdu} PDU has no place in the phase {self.phase}")
        return after

    def enter(self, phase: Phase) -> None:
        self.phase = phase
        self._row = TABLE[phase]


def diagram() -> str:
    """Return the PDUs that change the phase, as a Mermaid diagram for ARCHITECTURE.md."""
    steps = [
        f"    {phase} --> {after}: {sender}'s {pdu}"
        for phase, row in TABLE.items()
        for sender, pdus in (("browser", row.browser), ("desktop", row.desktop))
        for pdu, after in pdus.items()
        if after is not phase
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> start", *steps])


def table() -> str:
    """Return the PDUs that may arrive in each phase, as a table for ARCHITECTURE.md."""
    head = ["| phase | from the browser | from the desktop |", "|---|---|---|"]
    rows = [
        f"| {phase} | {', '.join(row.browser) or '-'} | {', '.join(row.desktop) or '-'} |"
        for phase, row in TABLE.items()
    ]
    return "\n".join([*head, *rows])
