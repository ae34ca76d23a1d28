"""The settings of one connection, which the browser cannot change."""

from dataclasses import dataclass

from webapp.gateway.rdp import clipboard
from webapp.gateway.rdp.pdu.client_info import Login


@dataclass(frozen=True)
class Terms:
    """The login, the clipboard rules and the keyboard layout of a connection."""

    login: Login
    rules: clipboard.Rules = clipboard.ALL
    keyboard_layout: int = 0
    """Windows language id of the keyboard; 0 keeps the browser's choice."""
