"""A real server on a real database for HTTP clients: gunicorn, as in production.

`python -m tests.api.server FOLDER` fills a database there, prints the keys of an administrator and
a
person, and serves until it is ended.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.portal import PASSWORD, make_environment, publish_template
from tests.warm import add_warm
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import ROOT, load
from webapp.domain.people.roles import Role
from webapp.services.audit.record import SYSTEM, Actor

#: The number of warm desktops: this many launches are ready at once.
WARM = 100


@dataclass(frozen=True)
class Served:
    """The server's address, and keys for it."""

    url: str
    services: Services
    admin_key: str
    person_key: str


@contextlib.contextmanager
def serving(folder: Path, **changes: str) -> Iterator[Served]:
    """Run a portal with people, a template and a pool inside the block."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = make_environment(
        folder,
        WINUX_PUBLIC_URL=url,
        WINUX_PORTAL_ID=f"t{secrets.token_hex(4)}",  # workers end what earlier runs of theirs left
        WINUX_MAX_DESKTOPS="1000",
        **changes,
    )
    services = build_services(load(environment))
    migration.migrate(services.db)
    admin_key, person_key = _fill(services)
    command = [
        *(sys.executable, "-m", "gunicorn", "wsgi:app", "--workers=1", "--threads=4"),
        *("--worker-class=gthread", f"--bind=127.0.0.1:{port}", "--log-level=warning"),
    ]
    with (folder / "web.log").open("wb") as log:
        web = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        try:
            _wait(f"{url}/healthz")
            yield Served(url, services, admin_key, person_key)
        finally:
            web.send_signal(signal.SIGTERM)
            web.wait(20)
            services.db.close()


def _fill(services: Services) -> tuple[str, str]:
    people = services.accounts
    root = Actor(people.add_person(SYSTEM, "root", PASSWORD, role=Role.ADMIN))
    alice = Actor(people.add_person(SYSTEM, "alice", PASSWORD))
    publish_template(services)
    services.catalogue.change(SYSTEM, "xfce", {"max_pause_minutes": 60})
    add_warm(services, WARM)
    return (
        services.keys.make(root, "tests", ["admin"]).text,
        services.keys.make(alice, "tests", ["launch"]).text,
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(url: str) -> None:
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.2)
    raise TimeoutError("the web server did not begin to answer")
