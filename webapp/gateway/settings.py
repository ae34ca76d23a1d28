"""How one gateway process runs, and where it listens."""

import socket
from dataclasses import dataclass

from webapp.gateway.allowance import USUAL, Limits

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


def open_port(host: str, port: int) -> socket.socket:
    """A port that listens; on all addresses of IPv6 it answers IPv4 too, as gunicorn does."""
    is_ipv6 = ":" in host
    return socket.create_server(
        (host, port),
        family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
        backlog=_BACKLOG,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )
