"""The settings of a gateway process, and its listening socket."""

import socket
from dataclasses import dataclass

from webapp.gateway.connection.allowance import USUAL, Limits

_BACKLOG = 512


@dataclass(frozen=True)
class Settings:
    """The settings of one gateway process."""

    host: str
    port: int
    public_origin: str
    max_connections: int
    trusted_proxies: int = 0
    max_listeners: int = 1000
    limits: Limits = USUAL
    """Processor limits of each person."""
    hand_shake_seconds: float = 10.0
    """Timeout of a browser's handshake, of its first message, and of each step to the desktop."""
    sign_in_seconds: float = 30.0
    """Timeout from TLS to the Client Info PDU, which takes 0.1 s, or longer under heavy load."""


def open_port(host: str, port: int) -> socket.socket:
    """Return a listening socket; for the IPv6 address `::` it also accepts IPv4, like gunicorn."""
    is_ipv6 = ":" in host
    return socket.create_server(
        (host, port),
        family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
        backlog=_BACKLOG,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )
