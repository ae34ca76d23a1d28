"""The doctor and the playbooks reach the API in the same way, so the doctor's result is valid.

Both commands run as an administrator types them, against a lab node with the certificates of a real
node, in network environments as schools and companies have them.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.adapters.authority import Authority
from tests.adapters.lab import environment_of
from tests.lab import ANSIBLE, PLAYBOOKS
from tests.labnode.server import LabNode
from webapp.config import ROOT

#: An environment that sends every HTTP client to a proxy that does not exist.
PROXIES = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
)
AS_PYTHON_313 = {"PYTHONPATH": str(Path(__file__).with_name("python313"))}
WITH_STORE = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"']


@dataclass(frozen=True)
class Site:
    """A lab node, the authority that its administrator trusts, and both commands."""

    node: LabNode
    folder: Path
    ca_file: str
    shell: tuple[str, ...] = ()
    """The environment that both commands run in."""

    def doctor(self, **changes: str) -> dict[str, dict[str, str]]:
        """Return the result of `./winux doctor --json` by part."""
        trust = {"proxmox_ca_file": self.ca_file}
        environment = environment_of(self.node, self.folder, **trust | changes)
        self._run([sys.executable, "-m", "webapp", "migrate"], environment)
        text = self._run([sys.executable, "-m", "webapp", "doctor", "--json"], environment)[1]
        assert "[" in text, text
        return {sign["part"]: sign for sign in json.loads(text[text.index("[") :])}

    def playbook(self, **changes: str) -> tuple[int, str]:
        """Return exit status and output of a playbook that requests a container."""
        trust = {"proxmox_ca_file": self.ca_file}
        environment = self.node.settings("portal") | trust | changes
        command = [str(ANSIBLE), "-i", str(ROOT / "inventory/lab")]
        command += [str(PLAYBOOKS / "destroy-winux-session.yml")]
        command += ["-e", "session_id=desktop-x container_id=20009"]
        return self._run(command, environment)

    def is_reached(self, **changes: str) -> tuple[bool, bool]:
        """Whether the doctor and the playbook reach the node."""
        signs = self.doctor(**changes)
        healths = {signs[part]["health"] for part in ("certificate", "Proxmox VE")}
        code, output = self.playbook(**changes)
        assert code == 0 or "the certificate of" in output, output
        return healths == {"good"}, code == 0

    def _run(self, command: list[str], environment: dict[str, str]) -> tuple[int, str]:
        path = {"PATH": f"{ANSIBLE.parent}:{os.environ['PATH']}", "HOME": str(self.folder)}
        done = subprocess.run(
            [*self.shell, *command],
            cwd=ROOT,
            env=path | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node whose certificate is signed by its own, trusted authority."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "lab").mkdir()
    (folder / "lab/lock").touch()  # a folder with files and without a lock is refused
    (folder / "guest_key").touch(0o600)
    authority = Authority.make(folder / "pve-root-ca.pem")
    authority.issue(folder / "lab/ca.pem", folder / "lab/key.pem", "127.0.0.1 ::1")
    node = LabNode(folder / "lab").start()
    yield Site(node, folder, str(authority.file))
    node.stop()


def test_an_authority_as_proxmox_makes_it_is_trusted(site: Site) -> None:
    assert site.is_reached() == (True, True)


def test_it_is_trusted_as_well_where_python_is_strict(site: Site) -> None:
    assert site.is_reached(**AS_PYTHON_313) == (True, True)


def test_a_certificate_that_is_named_itself_is_trusted(site: Site) -> None:
    assert site.is_reached(proxmox_ca_file=str(site.folder / "lab/ca.pem")) == (True, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount over /etc/ssl/certs")
def test_an_authority_in_the_systems_store_is_trusted(site: Site, tmp_path: Path) -> None:
    store = tmp_path / "certs"
    shutil.copytree("/etc/ssl/certs", store, symlinks=True)
    shutil.copy(site.ca_file, store / "school.pem")
    subprocess.run(["openssl", "rehash", str(store)], check=True, capture_output=True)
    there = replace(site, ca_file="", shell=(*WITH_STORE, str(store)))
    assert there.is_reached() == (True, True)
    assert there.is_reached(**AS_PYTHON_313) == (True, True)


def test_an_authority_that_is_only_in_a_variable_is_trusted_by_neither(site: Site) -> None:
    named = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), site.ca_file)
    assert replace(site, ca_file="").is_reached(**named) == (False, False)


def test_proxies_in_the_environment_are_passed_by(site: Site) -> None:
    assert site.is_reached(**PROXIES) == (True, True)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("strict", [{}, AS_PYTHON_313], ids=["3.11", "3.13"])
@pytest.mark.parametrize(
    ("signed_by", "names", "days", "words"),
    [
        ("another", "127.0.0.1", 100, "not trusted"),
        ("own", "127.0.0.9", 100, "not for 127.0.0.1"),
        ("own", "127.0.0.1", -1, "expired"),
    ],
)
def test_a_certificate_that_is_wrong_is_refused_by_both(
    site: Site,
    tmp_path: Path,
    strict: dict[str, str],
    signed_by: str,
    names: str,
    days: int,
    words: str,
) -> None:
    signer = {name: Authority.make(tmp_path / f"{name}.pem") for name in ("own", "another")}
    trusted = replace(site, ca_file=str(signer["own"].file))
    with _showing(tmp_path, signer[signed_by], names, days) as port:
        there = {"proxmox_api_port": str(port)} | strict
        assert trusted.is_reached(**there) == (False, False)
        assert words in trusted.doctor(**there)["certificate"]["text"]


def test_a_file_that_holds_no_certificate_is_named(site: Site, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    assert str(empty) in site.doctor(proxmox_ca_file=str(empty))["certificate"]["text"]
    code, output = site.playbook(proxmox_ca_file=str(empty))
    assert (code != 0, f"{empty} holds no certificate" in output) == (True, True), output


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_a_node_with_an_ipv6_address_is_reached(site: Site, host: str) -> None:
    try:
        door = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with _Relay(door, site.node) as port:
        where = {"proxmox_api_host": host, "proxmox_api_port": str(port)}
        assert site.is_reached(**where) == (True, True)
        refused = where | {"proxmox_api_token_secret": "wrong-secret"}
        assert f"[::1]:{port}" in site.doctor(**refused)["Proxmox VE"]["text"]


@contextmanager
def _showing(folder: Path, authority: Authority, names: str, days: int) -> Iterator[int]:
    """Yield the port of a server that presents a certificate and never answers."""
    files = folder / "served.pem", folder / "served.key"
    authority.issue(*files, names, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_show, args=(door, context), daemon=True).start()
        yield int(door.getsockname()[1])
        door.shutdown(socket.SHUT_RDWR)


def _show(door: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            came = door.accept()[0]
            with suppress(OSError), context.wrap_socket(came, server_side=True) as shown:
                shown.recv(1)


class _Relay:
    """Forward each connection at `door` to the node."""

    def __init__(self, door: socket.socket, node: LabNode) -> None:
        host, _, port = node.url.removeprefix("https://").rpartition(":")
        self._door, self._to = door, (host, int(port))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> int:
        self._run(self._serve)
        return int(self._door.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        for one in (self._door, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in (self._door, *self._open):
            one.close()

    def _run(self, what: Callable[..., None], *args: socket.socket) -> None:
        self._threads.append(threading.Thread(target=what, args=args))
        self._threads[-1].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                came = self._door.accept()[0]
                went = socket.create_connection(self._to)
                self._open += [came, went]
                self._run(_copy, came, went)
                self._run(_copy, went, came)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
