"""What every gunicorn of the portal does, whatever its command line says; read from the checkout.

The application is loaded once and its workers are forked from that, so that they share the memory
of all that was imported: half of what two workers take otherwise.

Each worker listens for itself, and the kernel shares connections out among them. From one common
socket whoever is first takes all that come together, and with connections that are kept open one
worker then does everything while the others sleep.
"""

import gc
import os
import socket
import sys
from typing import Any

preload_app = True


def on_starting(server: Any) -> None:
    """Before there are sockets."""
    if _can_listen_apart(server.cfg):
        for host, port in server.cfg.address:
            _check_free(host, port)
            server.log.info("Each worker listens at: http://%s:%s", host, port)
        server.cfg.set("reuse_port", True)


def on_reload(server: Any) -> None:
    """The settings were read anew."""
    server.cfg.set("reuse_port", _can_listen_apart(server.cfg))


def when_ready(_server: object) -> None:
    """Before the workers are forked: what the collector never looks at stays shared."""
    gc.freeze()


def _can_listen_apart(cfg: Any) -> bool:
    """Not at a path, and not at what systemd or a gunicorn before this one has opened."""
    is_given = "LISTEN_FDS" in os.environ or "GUNICORN_FD" in os.environ
    return not is_given and all(isinstance(address, tuple) for address in cfg.address)


def _check_free(host: str, port: int) -> None:
    """Sockets that are shared out may be opened twice: nobody would notice a second portal."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"winux web: cannot listen on {host}:{port}: {error.strerror}.")
