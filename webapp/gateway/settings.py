"""How one gateway process runs, and where it listens."""

import socket
from dataclasses import dataclass

from webapp.gateway.connection.allowance import USUAL, Limits

_BACKLOG = 512


@dataclass(frozen=True)
class Settings:
    """How one gateway process runs."""

    host: str
    port: int
    public_origin: str
    max_connections: int
    trusted_proxies: int = 0
    max_listeners: int = 1000
    limits: Limits = USUAL
    """Of the processor, for each person."""
    hand_shake_seconds: float = 10.0
    """For a browser's hand-shake and first message, and for each step towards the desktop."""
    sign_in_seconds: float = 30.0
    """From TLS to the Client Info PDU; it takes 0.1, and longer on a machine under heavy load."""


def open_port(host: str, port: int) -> socket.socket:
    """A port that listens; on all addresses of IPv6 it answers IPv4 too, as gunicorn does."""
    is_ipv6 = ":" in host
    return socket.create_server(
        (host, port),
        family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
        backlog=_BACKLOG,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )
