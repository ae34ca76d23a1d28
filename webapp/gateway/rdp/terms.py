"""What one connection is given, whatever its browser asks for."""

from dataclasses import dataclass

from webapp.gateway.rdp import clipboard
from webapp.gateway.rdp.pdu.client_info import Login


@dataclass(frozen=True)
class Terms:
    """Who signs in, and with which rules."""

    login: Login
    rules: clipboard.Rules = clipboard.ALL
    keyboard_layout: int = 0
    """Windows language id of the keyboard; 0: as the browser asks."""
