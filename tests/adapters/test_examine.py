"""The doctor on a lab node: each part is really broken, detected, and reported with its fix."""

import datetime
import ipaddress
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from labnode.access import Access
from labnode.setup import USER
from labnode.store import Store
from tests.adapters import cluster
from tests.adapters.lab import create, environment_of, fault, make_template
from tests.labnode.server import LabNode
from tests.refusals import refuses
from webapp import bootstrap, bootstrap_worker
from webapp.adapters import migration
from webapp.adapters.examine_machine import check_secrets_dir, file_system_of
from webapp.adapters.examine_proxmox import ProxmoxExaminer
from webapp.config import ROOT, Config, load
from webapp.domain.errors import Refused
from webapp.domain.upkeep.health import CheckResult, Health, is_well
from webapp.domain.upkeep.rights import ROLES, places
from webapp.ports import WantedTemplate
from webapp.texts.sentences import what_to_do

TEMPLATE = WantedTemplate("xfce", 29001, "1")
RIGHTS = sorted({right for role in ROLES.values() for right in role})
UTC = datetime.UTC


def examined(config: Config, *templates: WantedTemplate) -> dict[str, CheckResult]:
    signs = ProxmoxExaminer(config.proxmox, lambda: templates or [TEMPLATE]).examine()
    return {sign.part: sign for sign in signs}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """A lab node with a template, and for each right a token that lacks it."""
    folder = tmp_path_factory.mktemp("examined") / "lab"
    folder.mkdir()
    lab = LabNode(folder, ["--faults"]).start()
    make_template(lab.client())
    lab.stop()
    _make_weak_tokens(lab)
    yield lab.start()
    lab.stop()


def _make_weak_tokens(lab: LabNode) -> None:
    access = Access(Store(lab.state_dir / "state.sqlite"))
    settings = lab.settings("portal")
    for right in RIGHTS:
        name = right.replace(".", "-")
        access.add_token(USER, name, _secret(right))
        for place in places("winux", settings["proxmox_storage"], settings["proxmox_bridge"]):
            role = f"{name}-{place.title}"
            held = {one for known in place.roles for one in ROLES[known]} - {right}
            access.roles.put(role, {"privs": sorted(held)})
            access.grant(place.path, [role], "tokens", [f"{USER}!{name}"])


def _secret(right: str) -> str:
    return f"secret-of-{right}"


@pytest.fixture
def config(node: LabNode, tmp_path: Path) -> Config:
    return load(environment_of(node, tmp_path))


def test_a_node_in_order_has_nothing_broken(config: Config) -> None:
    signs = examined(config)
    assert {part for part, sign in signs.items() if sign.health is not Health.GOOD} == set()


@pytest.mark.parametrize("right", RIGHTS)
def test_each_missing_right_is_named_with_the_command_that_gives_it(
    config: Config, right: str
) -> None:
    proxmox = replace(config.proxmox, token_id=right.replace(".", "-"), token_secret=_secret(right))
    signs = examined(replace(config, proxmox=proxmox))
    wrong = [
        sign
        for part, sign in signs.items()
        if part.startswith("rights") and sign.health is not Health.GOOD
    ]
    assert [right in sign.text for sign in wrong] == [True]
    assert "pveum acl modify /" in wrong[0].cure
    assert proxmox.token_id in wrong[0].cure
    is_optional = right == "Sys.Audit"
    assert wrong[0].health is (Health.WARN if is_optional else Health.BAD)


@pytest.mark.parametrize(
    ("changes", "part", "words", "cure"),
    [
        ({"token_secret": "wrong-secret"}, "Proxmox VE", "401", "API token"),
        ({"node": "pve7"}, "nodes", "no node pve7", "proxmox_node"),
        ({"bridge": "vmbr7"}, "bridge", "no bridge vmbr7", "proxmox_bridge"),
        ({"storage": "tapes"}, "storage", "no storage tapes", "pvesm status"),
        ({"storage": "local"}, "rights on the storage", "lacks", "pveum acl"),
        ({"port": 1}, "Proxmox VE", "cannot be reached", "address and port"),
    ],
)
def test_a_wrong_setting_is_found_by_its_effect(
    config: Config, changes: dict[str, object], part: str, words: str, cure: str
) -> None:
    proxmox = replace(config.proxmox, **changes)  # type: ignore[arg-type]  # values are of any type
    sign = examined(replace(config, proxmox=proxmox))[part]
    assert sign.health is Health.BAD
    assert words in sign.text
    assert cure in sign.cure


@pytest.mark.parametrize(
    ("changes", "health", "words"),
    [
        ({"active": 0}, Health.BAD, "stopped or disabled"),
        ({"type": "dir"}, Health.WARN, "cannot make linked clones"),
        ({"content": "images"}, Health.BAD, "does not take containers"),
        ({"avail": 1 << 20}, Health.BAD, "GiB free"),
    ],
)
def test_what_an_administrator_did_to_the_storage_is_found(
    lab: LabNode, tmp_path: Path, changes: dict[str, object], health: Health, words: str
) -> None:
    lab.stop()
    table = Store(lab.state_dir / "state.sqlite").table("storage")
    table.put("local-lab", {**(table.get("local-lab") or {}), **changes})
    lab.start()
    sign = examined(load(environment_of(lab, tmp_path)))["storage"]
    assert (sign.health, words in sign.text) == (health, True)
    assert sign.cure


def test_a_template_that_is_none_is_found(node: LabNode, config: Config) -> None:
    if 30500 not in [row["vmid"] for row in node.client().get("/nodes/lab/lxc").data]:
        create(node.client(), 30500, hostname="plain")
    signs = examined(
        config, WantedTemplate("gone", 29077, "1"), WantedTemplate("plain", 30500, "1"), TEMPLATE
    )
    assert "29077 does not exist" in signs["template gone"].text
    assert "30500 is not a template" in signs["template plain"].text
    for part in ("template gone", "template plain"):
        assert (signs[part].health, "template-build.yml" in signs[part].cure) == (Health.BAD, True)
    assert signs["template xfce"].health is Health.GOOD


def test_without_a_template_nothing_can_be_launched(config: Config) -> None:
    signs = {sign.part: sign for sign in ProxmoxExaminer(config.proxmox, list).examine()}
    assert signs["template"].health is Health.BAD


def test_a_lock_left_behind_on_a_template_is_told_with_how_to_free_it(
    lab: LabNode, tmp_path: Path
) -> None:
    fault(lab, "stale-lock", path="/nodes/lab/lxc/29001/clone")
    client = lab.client("portal")
    client.wait(client.post("/nodes/lab/lxc/29001/clone", newid=30900, pool="winux").data)
    sign = examined(load(environment_of(lab, tmp_path)))["template xfce"]
    assert (sign.health, "pct unlock 29001" in sign.cure) == (Health.BAD, True)


def test_the_lock_of_a_clone_that_goes_on_is_as_it_should_be(lab: LabNode, tmp_path: Path) -> None:
    lab.stop()
    (lab.state_dir / "timings.json").write_text(json.dumps({"clone": 8}))
    client = lab.start().client("portal")  # a token sees its own tasks
    client.post("/nodes/lab/lxc/29001/clone", newid=30001, pool="winux")
    time.sleep(0.5)  # until the task holds the lock
    sign = examined(load(environment_of(lab, tmp_path)))["template xfce"]
    assert sign.health is Health.GOOD


def test_on_a_cluster_each_node_is_looked_at_and_one_that_is_down_breaks_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    lab = LabNode(folder, ["--faults", *cluster.node_options("abc")]).start()
    try:
        cluster.make_replicas(lab.client(), cluster.REPLICAS)
        config = load(cluster.environment_of(lab, tmp_path))
        signs = examined(config)
        assert signs["nodes"].text == "All answer: a, b, c."
        for part in ("storage on a", "storage on c", "bridge on b", "template xfce"):
            assert signs[part].health is Health.GOOD, signs[part]
        cluster.faults(lab, {"kind": "node-down", "node": "c"})
        signs = examined(config)
        assert (signs["nodes"].health, "Down: c" in signs["nodes"].text) == (Health.WARN, True)
        assert "storage on c" not in signs
        assert is_well(signs.values())
    finally:
        lab.stop()


def test_what_cannot_be_looked_at_is_unknown(node: LabNode, config: Config) -> None:
    fault(node, "error", path="GET /version", status=595)
    try:
        signs = examined(config)
    finally:
        fault(node, "error", path="no such path")
    assert signs["Proxmox VE"].health is Health.BAD
    assert {signs[part].health for part in ("storage", "bridge", "template")} == {Health.UNKNOWN}


# -- certificate and clock ------------------------------------------------------------------------

MakeServer = Callable[..., Config]


@pytest.fixture
def api_with(config: Config, tmp_path: Path) -> Iterator[MakeServer]:
    """A TLS server whose certificate and clock the test sets."""
    servers: list[ThreadingHTTPServer] = []

    def make(
        *, days: int = 100, name: str = "127.0.0.1", skew: int = 0, is_trusted: bool = True
    ) -> Config:
        files = _certificate(tmp_path / "served", days, name)
        trusted = files if is_trusted else _certificate(tmp_path / "other", days, name)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(skew))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        port = server.server_address[1]
        return replace(config, proxmox=replace(config.proxmox, port=port, ca_file=trusted[0]))

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def _answering(skew: int) -> type[BaseHTTPRequestHandler]:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(401)
            date = datetime.datetime.now(UTC) + datetime.timedelta(seconds=skew)
            self.send_header("Date", format_datetime(date, usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Api


def _certificate(folder: Path, days: int, name: str) -> tuple[Path, Path]:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Test {folder.name}")])
    now = datetime.datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=400))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.mark.parametrize(
    ("how", "health", "words", "cure"),
    [
        ({}, Health.GOOD, "Trusted", ""),
        ({"days": 3}, Health.WARN, "ends on", "pvecm updatecerts"),
        ({"days": -1}, Health.BAD, "has expired", "pvecm updatecerts"),
        ({"name": "127.0.0.9"}, Health.BAD, "not for 127.0.0.1", "proxmox_api_host"),
        ({"is_trusted": False}, Health.BAD, "not trusted", "proxmox_ca_file"),
    ],
)
def test_what_is_wrong_with_a_certificate(
    api_with: MakeServer, how: dict[str, object], health: Health, words: str, cure: str
) -> None:
    sign = examined(api_with(**how))["certificate"]
    assert (sign.health, words in sign.text, cure in sign.cure) == (health, True, True)


@pytest.mark.parametrize(
    ("skew", "health"), [(0, Health.GOOD), (60, Health.WARN), (-600, Health.BAD)]
)
def test_a_clock_that_is_wrong_is_found(api_with: MakeServer, skew: int, health: Health) -> None:
    sign = examined(api_with(skew=skew))["clock"]
    assert (sign.health, bool(sign.cure)) == (health, health is not Health.GOOD)


# -- this machine ---------------------------------------------------------------------------------


@pytest.fixture
def services(node: LabNode, tmp_path: Path) -> Iterator[bootstrap.Services]:
    key = tmp_path / "guest_key"
    key.touch(0o600)
    made = bootstrap.build_services(load(environment_of(node, tmp_path)))
    migration.migrate(made.db)
    yield made
    made.db.close()


def machine(services: bootstrap.Services) -> dict[str, CheckResult]:
    return {sign.part: sign for sign in bootstrap_worker.build_doctor(services).examine()}


def test_a_machine_in_order(services: bootstrap.Services) -> None:
    signs = machine(services)
    for part in ("schema", "database", "journal", "secrets", "guest key", "programs"):
        assert signs[part].health is Health.GOOD, signs[part]


def test_an_open_or_missing_guest_key_is_found(services: bootstrap.Services) -> None:
    key = services.config.guest_key_file
    key.chmod(0o644)
    assert machine(services)["guest key"].cure == f"chmod 600 {key}"
    key.unlink()
    assert "ssh-keygen" in machine(services)["guest key"].cure


def test_an_old_schema_is_found(services: bootstrap.Services) -> None:
    with services.db.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert machine(services)["schema"].cure == "Run ./winux migrate."


def test_a_database_that_takes_no_writes_is_found(services: bootstrap.Services) -> None:
    with services.db.engine.connect() as connection:  # the pool assigns it again
        connection.exec_driver_sql("PRAGMA query_only=ON")
    sign = machine(services)["database"]
    assert (sign.health, "disk" in sign.cure) == (Health.BAD, True)


def test_secrets_on_a_disk_are_refused_by_doctor_and_check_config(
    services: bootstrap.Services, node: LabNode, tmp_path: Path
) -> None:
    assert file_system_of(Path("/dev/shm")) == "tmpfs"
    on_disk = ROOT / "var" / "secrets-of-a-test"
    with refuses(Refused, match="lies on a disk") as refusal:
        check_secrets_dir(on_disk)
    on_disk.rmdir()
    assert "/dev/shm" in what_to_do(refusal.value)
    environment = environment_of(node, tmp_path, WINUX_SECRETS_DIR=str(on_disk))
    done = subprocess.run(
        [sys.executable, "-m", "webapp", "check-config"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )
    on_disk.rmdir()
    assert (done.returncode, "lies on a disk" in done.stdout) == (1, True)


def test_a_gateway_that_is_away_is_found(services: bootstrap.Services) -> None:
    sign = machine(services)["gateway"]
    assert (sign.health, "./winux gateway" in sign.cure) == (Health.BAD, True)
