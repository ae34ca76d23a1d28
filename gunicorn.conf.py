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
import time
from typing import Any

TRIES = 5
"""Seconds that a port may stay taken, as gunicorn itself waits for it."""

preload_app = True

worker_class = "webapp.front.worker.BufferingWorker"
"""Slow clients cost no thread (docs/decisions/0022-slow-clients-cost-no-thread.md)."""

keepalive = 75
"""Longer than a proxy keeps its connections, or it would now and then write into a closed one."""

os.umask(0o077)  # logs too; a Unix socket has gunicorn's own `umask` setting

control_socket_disable = True
"""It would lie in the home of the account, one for all portals of a machine. Nothing uses it."""

forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
"""No header of a request changes its path; scheme and address are read from proxies by the
application, as far as WINUX_TRUSTED_PROXIES says."""


def on_starting(server: Any) -> None:
    """Before there are sockets."""
    if _can_listen_apart(server.cfg):
        for host, port in server.cfg.address:
            _check_free(host, port)
            server.log.info("Each worker listens on http://%s:%s", host, port)
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
    is_plain = all(isinstance(address, tuple) and address[1] for address in cfg.address)
    return not is_given and is_plain


def _check_free(host: str, port: int) -> None:
    """Sockets that are shared out may be opened twice: nobody would notice a second portal.

    Workers whose master was killed notice that within a second or two, and then leave.
    """
    trouble = None
    for _ in range(TRIES):
        if (trouble := _why_taken(host, port)) is None:
            return
        time.sleep(1)
    sys.exit(f"winux web: cannot listen on {host}:{port}: {trouble}.")


def _why_taken(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror
    return None
