"""The desktops' names: the file of a DNS server, the server itself, and what the doctor says.

A real dnsmasq answers in a network of its own, where only the doctor's process is its client; the
machine's resolver is not touched.
"""

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import make_environment
from tests.worker.life import launch, row, running, until
from webapp import bootstrap_worker
from webapp.adapters.examine_names import NamesExaminer
from webapp.adapters.hosts_file import LocalHostsFile
from webapp.adapters.resolver import SystemResolver
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.config import ROOT, Config, load
from webapp.domain.errors import OutsideFailed
from webapp.domain.upkeep.health import Health
from webapp.domain.upkeep.names import judge_name
from webapp.services.audit.record import Actor
from webapp.worker.loop import Worker

DOMAIN = "desks.example.org"


@pytest.fixture
def names_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "names"
    folder.mkdir()
    return folder


@pytest.fixture
def config(tmp_path: Path, names_dir: Path) -> Config:
    settings = {"WINUX_DESKTOP_DOMAIN": DOMAIN, "WINUX_HOSTS_FILE": str(names_dir / "desktops")}
    return load(make_environment(tmp_path, **settings))


@pytest.fixture
def worker(services: Services) -> WorkerServices:
    return bootstrap_worker.build_worker_services(services, "worker-1")


def test_the_file_has_the_desktops_that_have_not_ended(
    services: Services, worker: WorkerServices, alice: Actor, xfce: str, names_dir: Path
) -> None:
    worker.host_names.keep()
    file = names_dir / "desktops"
    assert file.read_text() == ""
    first, second = launch(services, alice), launch(services, alice)
    worker.host_names.keep()
    lines = {f"{row(services, one).address} {one}.{DOMAIN}" for one in (first, second)}
    assert set(file.read_text().splitlines()) == lines
    assert len(lines) == 2
    assert services.host_names.lines() == file.read_text()


def test_a_running_worker_writes_a_launched_desktops_name(
    services: Services, alice: Actor, xfce: str, names_dir: Path
) -> None:
    node = FakeNode()
    made = bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=FakeProvisioner(node), hypervisor=node
    )
    file = names_dir / "desktops"
    with running(Worker(made)):
        public_id = launch(services, alice)
        until(lambda: file.exists() and f" {public_id}.{DOMAIN}\n" in file.read_text())


def test_the_file_is_replaced_as_a_whole_and_only_if_it_changes(names_dir: Path) -> None:
    file = names_dir / "desktops"
    writer = LocalHostsFile(file)
    old = os.umask(0o077)  # as in every process of the portal
    try:
        writer.write("10.203.0.70 a\n")
        first = file.stat()
        writer.write("10.203.0.70 a\n")
        assert file.stat().st_ino == first.st_ino
        writer.write("10.203.0.71 a\n")
    finally:
        os.umask(old)
    assert file.stat().st_ino != first.st_ino
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [file.name for file in names_dir.iterdir()] == ["desktops"]
    file.unlink()
    writer.write("10.203.0.71 a\n")
    assert file.read_text() == "10.203.0.71 a\n"


def test_a_file_that_cannot_be_written_is_named(names_dir: Path) -> None:
    with pytest.raises(OutsideFailed, match=r"WINUX_HOSTS_FILE.*No such file"):
        LocalHostsFile(names_dir / "missing" / "desktops").write("x")
    (names_dir / "desktops").mkdir()
    with pytest.raises(OutsideFailed, match="WINUX_HOSTS_FILE"):
        LocalHostsFile(names_dir / "desktops").write("x")
    assert [file.name for file in names_dir.iterdir()] == ["desktops"]


def test_the_machines_own_names_are_resolved() -> None:
    assert SystemResolver().addresses("localhost") == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("found", "health", "words", "cure"),
    [
        (["10.203.0.70"], Health.GOOD, "as it should be", ""),
        ([], Health.BAD, "has no address", "WINUX_HOSTS_FILE"),
        (
            ["10.203.0.5"],
            Health.BAD,
            "is 10.203.0.5, but the desktop is at 10.203.0.70",
            "wildcard",
        ),
        (["10.203.0.70", "10.203.0.5"], Health.BAD, "10.203.0.70, 10.203.0.5", "wildcard"),
    ],
)
def test_a_name_is_well_only_if_it_is_its_own_desktops_alone(
    found: list[str], health: Health, words: str, cure: str
) -> None:
    sign = judge_name("desktop names", f"desktop-0000000a.{DOMAIN}", "10.203.0.70", found)
    assert sign.health is health
    assert words in sign.text
    assert cure in sign.cure


def test_without_a_domain_nothing_is_said_and_without_a_desktop_it_is_unknown() -> None:
    assert list(NamesExaminer("", list).examine()) == []
    [sign] = NamesExaminer(DOMAIN, list).examine()
    assert (sign.health, "No desktop runs" in sign.text) == (Health.UNKNOWN, True)


# -- a real DNS server --------------------------------------------------------------------------

#: Examines in the current network and prints the sign; `python -c` with newest and oldest address.
EXAMINE = """
import json, sys
from webapp.adapters.examine_names import NamesExaminer
from webapp.adapters.resolver import SystemResolver
from webapp.ports import Neighbour
desktops = [
    Neighbour(f"desktop-0000000{letter}", 1, 30001, "lab", address, "SHA256:x")
    for letter, address in zip("ba", sys.argv[2:])
]
examiner = NamesExaminer(sys.argv[1], lambda: desktops, SystemResolver(1.5), 0.1)
[result] = examiner.examine()
print(json.dumps([result.health, result.text]))
"""
#: Writes the file anew as a worker does; `python -c` with the file and its content.
CHANGE = """
import sys
from pathlib import Path
from webapp.adapters.hosts_file import LocalHostsFile
LocalHostsFile(Path(sys.argv[1])).write(sys.argv[2])
"""


def examined(folder: Path, server: str, *addresses: str, first: str = "true") -> tuple[Health, str]:
    """Run the examiner beside a DNS server: the shell runs `server`, then `first`, then that."""
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "hosts").write_text("127.0.0.1 localhost\n")
    script = f"""
        set -e
        ip link set lo up
        ip address add 192.0.2.53/32 dev lo  # without one, the C library asks for no addresses
        mount --bind {folder}/resolv.conf /etc/resolv.conf
        mount --bind {folder}/hosts /etc/hosts
        {server} &
        for _ in $(seq 100); do ss -Hlun sport = :53 | grep -q . && break; sleep 0.1; done
        {first}
        status=0; "$@" || status=$?
        kill $!; exit $status
    """
    call = [sys.executable, "-c", EXAMINE, DOMAIN, *addresses]
    done = subprocess.run(
        ["unshare", "--net", "--mount", "bash", "-c", script, "bash", *call],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    health, text = json.loads(done.stdout.splitlines()[-1])
    return Health(health), text


def dnsmasq(*options: str) -> str:
    """The configuration of docs/admin/names.md."""
    fixed = "--conf-file=/dev/null --pid-file= --user=root --keep-in-foreground --bind-interfaces"
    return (
        f"dnsmasq {fixed} --listen-address=127.0.0.1 --no-resolv --no-hosts "
        f"--local=/{DOMAIN}/ {' '.join(options)}"
    )


@pytest.mark.lab
def test_dnsmasq_answers_with_the_file_that_a_worker_writes(names_dir: Path) -> None:
    LocalHostsFile(names_dir / "desktops").write(
        f"10.203.0.70 desktop-0000000a.{DOMAIN}\n10.203.0.71 desktop-0000000b.{DOMAIN}\n"
    )
    server = dnsmasq(f"--hostsdir={names_dir}")
    good = examined(names_dir.parent, server, "10.203.0.71", "10.203.0.70")
    assert good[0] is Health.GOOD, good
    wrong = examined(names_dir.parent, server, "10.203.0.71", "10.203.0.72")
    assert wrong[0] is Health.BAD
    assert (
        f"desktop-0000000a.{DOMAIN} is 10.203.0.70, but the desktop is at 10.203.0.72" in wrong[1]
    )


@pytest.mark.lab
def test_dnsmasq_follows_the_file_without_a_restart(names_dir: Path) -> None:
    file = names_dir / "desktops"
    LocalHostsFile(file).write(f"10.203.0.70 desktop-0000000a.{DOMAIN}\n")
    change = [sys.executable, "-c", CHANGE, str(file), f"10.203.0.71 desktop-0000000b.{DOMAIN}\n"]
    server = dnsmasq(f"--hostsdir={names_dir}")
    health, text = examined(names_dir.parent, server, "10.203.0.71", first=shlex.join(change))
    assert health is Health.GOOD, text
    assert "desktop-0000000b" in text


@pytest.mark.lab
def test_a_wildcard_record_is_found_wrong(names_dir: Path) -> None:
    server = dnsmasq(f"--address=/{DOMAIN}/10.203.0.5")
    health, text = examined(names_dir.parent, server, "10.203.0.71")
    assert health is Health.BAD
    assert "is 10.203.0.5, but the desktop is at 10.203.0.71" in text


@pytest.mark.lab
def test_a_name_that_dns_does_not_know_is_found(names_dir: Path) -> None:
    health, text = examined(names_dir.parent, dnsmasq(), "10.203.0.71")
    assert (health, "has no address" in text) == (Health.BAD, True)


@pytest.mark.lab
def test_a_dns_server_that_is_silent_is_unknown_and_holds_nobody_up(names_dir: Path) -> None:
    silent = (
        f"{sys.executable} -c 'import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); "
        's.bind(("127.0.0.1", 53)); time.sleep(60)\''
    )
    health, text = examined(names_dir.parent, silent, "10.203.0.71")
    assert (health, "did not answer" in text) == (Health.UNKNOWN, True)
