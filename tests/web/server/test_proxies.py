"""The shipped configurations of the reverse proxies, in front of the portal's own processes."""

import base64
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.gateway.events.event_site import free_port, until
from tests.portal import PASSWORD, make_environment
from tests.web.server.gunicorn_site import is_well, running
from webapp import bootstrap
from webapp.adapters import migration
from webapp.bootstrap import Services
from webapp.config import ROOT, load
from webapp.services.audit.record import SYSTEM

pytestmark = pytest.mark.timeout(240)
SLOW = 300
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/winux.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    """The response."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Site:
    """A portal behind a proxy."""

    port: int
    services: Services

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Answer:
        """Return the response; of a stream, its first line."""
        connection = self.connect()
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            has_end = answer.status != 101 and told.get("content-type") != "text/event-stream"
            text = "" if answer.status == 101 else answer.read() if has_end else answer.readline()
            answer.close()
            return Answer(answer.status, told, text.decode() if text else "")
        finally:
            connection.close()

    def sign_in(self, **headers: str) -> Answer:
        page = self.ask("GET", "/sign-in", {})
        cookie = page.headers["set-cookie"].partition(";")[0]
        token = re.search(r'name="csrf_token"\s+value="([^"]+)"', page.text)
        assert token
        form = urlencode({"csrf_token": token[1], "name": "alice", "password": PASSWORD})
        told = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/sign-in", told | headers, form)


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    folder.chmod(0o755)
    front, web, gateway = free_port(), free_port(), free_port()
    settings = {
        "WINUX_PUBLIC_URL": f"https://localhost:{front}",
        "WINUX_TRUSTED_PROXIES": "1",
        "WINUX_GATEWAY_LISTEN": f"127.0.0.1:{gateway}",
    }
    environment = {"PATH": os.environ["PATH"], **make_environment(folder, **settings)}
    services = bootstrap.build_services(load(make_environment(folder, **settings)))
    migration.migrate(services.db)
    services.accounts.add_person(SYSTEM, "alice", PASSWORD)
    with (
        running(folder, f"127.0.0.1:{web}", **settings),
        process([str(ROOT / "winux"), "gateway"], environment),
        process(
            proxy(request.param, folder, front, web, gateway), {**environment, "HOME": str(folder)}
        ),
    ):
        until(lambda: is_well(web), 30)
        made = Site(front, services)
        until(lambda: answers(made, "/healthz") and answers(made, "/gateway/ping"), 60)
        yield made
    services.db.close()


@contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        child.terminate()
        child.wait(90)  # Caddy waits for the connections that a test left open


def proxy(kind: str, folder: Path, front: int, web: int, gateway: int) -> list[str]:
    """Return its command, with the shipped configuration on ports and a certificate of the test."""
    make_certificate(folder)
    changes = {"127.0.0.1:8080": f"127.0.0.1:{web}", "127.0.0.1:8081": f"127.0.0.1:{gateway}"}
    if kind == "nginx":
        changes |= {
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl": f"listen 127.0.0.1:{front} ssl",
            "/etc/winux/tls/fullchain.pem": f"{folder}/certificate.pem",
            "/etc/winux/tls/key.pem": f"{folder}/key.pem",
        }
        changed(ROOT / "deploy/nginx/winux.conf", folder / "winux.conf", changes)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
        return ["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    changes |= {
        "{\n\tservers": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers",
        "desktops.example.org {": f"https://localhost:{front} {{\n"
        f"\tbind 127.0.0.1\n\ttls {folder}/certificate.pem {folder}/key.pem",
    }
    changed(ROOT / "deploy/caddy/Caddyfile", folder / "Caddyfile", changes)
    return [str(shutil.which("caddy")), "run", "--config", str(folder / "Caddyfile")]


def changed(shipped: Path, made: Path, changes: dict[str, str]) -> None:
    text = shipped.read_text()
    for old, new in changes.items():
        assert old in text, f"{shipped} has no {old!r} any more"
        text = text.replace(old, new)
    made.write_text(text)


def make_certificate(folder: Path) -> None:
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*new, *files, *name], check=True, capture_output=True)


def answers(site: Site, path: str) -> bool:
    try:
        return site.ask("GET", path, {}).status == 200
    except OSError:
        return False


def test_a_person_signs_in_and_their_address_is_right(site: Site) -> None:
    spoofed = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example"}
    for own in ({"Origin": site.origin}, {"Referer": f"{site.origin}/sign-in"}, {}):
        answer = site.sign_in(**own, **spoofed)
        assert answer.status == 303
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-winux=")
        assert "Secure" in cookie
    foreign = site.sign_in(Origin="https://evil.example")
    assert foreign.status == 400
    assert "came from another address" in foreign.text
    sources = {row.source_address for row in site.services.accounts.sign_ins(1)}
    assert sources == {"127.0.0.1"}


def test_websockets_reach_the_gateway_from_own_pages_alone(site: Site) -> None:
    for origin, status in ((site.origin, 101), ("https://evil.example", 403)):
        answer = site.ask(
            "GET",
            "/gateway/rdp",
            {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": base64.b64encode(b"0123456789012345").decode(),
                "Origin": origin,
            },
        )
        assert answer.status == status


def test_events_stream_at_once(site: Site) -> None:
    cookie = site.sign_in().headers["set-cookie"].partition(";")[0]
    stream = site.ask("GET", "/api/v1/events", {"Cookie": cookie, "Origin": site.origin})
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
    assert stream.text.startswith("retry:")


@pytest.mark.sampled(1)
def test_slow_clients_stop_nobody(site: Site) -> None:
    begins = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\nname=",
        b"",
    ]
    with ExitStack() as open_ones:
        for number in range(SLOW):
            connection = site.connect()
            open_ones.callback(connection.close)
            try:
                connection.connect()
                connection.sock.sendall(begins[number % len(begins)])
            except (OSError, ssl.SSLError):
                continue  # refused: this address has too many already
        with own_address(site) as honest:
            for _ in range(10):
                honest.request("GET", "/sign-in")
                answer = honest.getresponse()
                answer.read()
                assert answer.status == 200


@contextmanager
def own_address(site: Site) -> Iterator[http.client.HTTPSConnection]:
    """A connection from another address, because limits are per address."""
    connection = site.connect()
    plain = socket.create_connection(("127.0.0.1", site.port), 30, ("127.0.0.9", 0))
    connection.sock = ssl._create_unverified_context().wrap_socket(
        plain, server_hostname="localhost"
    )
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.sampled(1)
def test_large_heads_and_bodies_are_refused(site: Site) -> None:
    large = site.ask("GET", "/sign-in", {f"X-Large-{number}": "a" * 7000 for number in range(7)})
    assert large.status in {400, 431, 494}
    connection = site.connect()
    connection.putrequest("POST", "/sign-in")
    connection.putheader("Content-Length", str(1 << 30))
    connection.endheaders()
    try:
        connection.send(b"a" * 1000)
        connection.sock.settimeout(60)
        with connection.getresponse() as answer:
            assert answer.status in {400, 413}
    finally:
        connection.close()


def test_no_header_changes_the_path(site: Site) -> None:
    for header in ("SCRIPT_NAME", "Script-Name", "X-Forwarded-Prefix"):
        assert site.ask("GET", "/x/healthz", {header: "/x"}).status == 404
        assert site.ask("GET", "/healthz", {header: "/x"}).status == 200
