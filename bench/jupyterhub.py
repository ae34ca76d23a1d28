"""A JupyterHub as a reference for Winux: from PyPI, in its own environment in the cache."""

from __future__ import annotations

import http.client
import http.server
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from setup.failure import SetupFailed
from setup.processes import Child
from setup.settings import CHECKOUT, cache_dir

VERSION = "6.1.1"
START_TIMEOUT_S = 60
USERS_AT_ONCE = 100


@dataclass(frozen=True)
class Hub:
    """A running JupyterHub."""

    port: int
    token: str
    child: Child

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    def ask(self, method: str, path: str, body: object = None) -> int:
        """Send a request; return the status."""
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            text = json.dumps(body) if body is not None else None
            web.request(method, f"/hub/api{path}", text, self.headers)
            answer = web.getresponse()
            answer.read()
            return answer.status
        except OSError:
            return 0
        finally:
            web.close()


@contextmanager
def jupyterhub(folder: Path, users: int, ports: tuple[int, int]) -> Iterator[Hub]:
    """Run a hub with users user0, user1, … without servers. `ports`: the hub's, the proxy's."""
    program = _installed()
    token = secrets.token_hex(16)
    folder.mkdir(parents=True)
    with _answering() as answering:
        child = Child(
            "JupyterHub",
            ["env", "-C", folder, program, "-f", CHECKOUT / "bench/jupyterhub_config.py"],
            folder / "jupyterhub.log",
            {
                "PATH": f"{program.parent}:/usr/bin:/bin",
                "HOME": str(folder),
                "BENCH_TOKEN": token,
                "BENCH_HUB_PORT": str(ports[0]),
                "BENCH_PROXY_PORT": str(ports[1]),
                "BENCH_ANSWERING_PORT": str(answering),
            },
        )
        hub = Hub(ports[0], token, child)
        try:
            child.wait_until(
                lambda: hub.ask("GET", "/") == http.HTTPStatus.OK,
                START_TIMEOUT_S,
                "See its log.",
            )
            for first in range(0, users, USERS_AT_ONCE):
                names = [f"user{number}" for number in range(first, first + USERS_AT_ONCE)]
                status = hub.ask("POST", "/users", {"usernames": names[: users - first]})
                if status != http.HTTPStatus.CREATED:
                    raise SetupFailed(f"JupyterHub makes no users: {status}", "See its log.")
            yield hub
        finally:
            child.stop()


def _installed() -> Path:
    """Return the program, installed once into the cache."""
    home = cache_dir() / f"jupyterhub-{VERSION}-py{sys.version_info.major}{sys.version_info.minor}"
    program = home / "bin/jupyterhub"
    marker = home / ".complete"
    if not marker.exists():
        pip = [str(home / "bin/pip"), "install", "--quiet", f"jupyterhub=={VERSION}"]
        for command in ([sys.executable, "-m", "venv", "--clear", str(home)], pip):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SetupFailed(f"JupyterHub cannot be installed:\n{done.stderr}", "See above.")
        marker.touch()
    return program


class _Yes(http.server.BaseHTTPRequestHandler):
    """The responses of the null spawner's servers, whose hub checks them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", VERSION)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def _answering() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Yes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
