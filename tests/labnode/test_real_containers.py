"""The same API with real containers: a desktop's life, and the content of a snapshot."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labnode.server import ROOT, Client, LabNode, allow_more
from tests.labnode_lxc.lab import BRIDGE, SUBNET
from tests.labnode_lxc.rootfs import make_archive

pytestmark = pytest.mark.lab

LXC = "/nodes/lab/lxc"
NET = f"name=eth0,bridge={BRIDGE},gw={SUBNET.network_address + 1},ip="


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    state_dir = tmp_path_factory.mktemp("real") / "state"
    state_dir.mkdir()
    allow_more(state_dir, "/pool/winux")
    options = ["--bridge", BRIDGE, "--subnet", str(SUBNET)]
    node = LabNode(state_dir, options, backend="lxc").start()
    yield node
    node.stop()
    clean = [sys.executable, "-m", "labnode", "clean", "--state-dir", str(state_dir)]
    subprocess.run(clean, cwd=ROOT, check=True, timeout=60)


@pytest.fixture(scope="module")
def template(real: LabNode) -> int:
    client = real.client("builder")
    archive = make_archive()
    with archive.open("rb") as content:
        fields, files = {"content": "vztmpl"}, {"filename": ("tiny.tar.gz", content)}
        path = "/nodes/lab/storage/local/upload"
        assert client.done(client("POST", path, fields, files=files)) == "OK"
    options = {"ostemplate": "local:vztmpl/tiny.tar.gz", "rootfs": "local-lab:1", "memory": 64}
    assert client.done(client.post(LXC, vmid=29001, pool="winux", **options)) == "OK"
    assert client.post(f"{LXC}/29001/template").status == 200
    return 29001


@pytest.fixture
def desktop(real: LabNode, template: int) -> Iterator[int]:
    client, vmid = real.client("portal"), 30001
    made = client.post(f"{LXC}/{template}/clone", newid=vmid, pool="winux", hostname="desktop-a")
    assert client.done(made) == "OK"
    net = f"{NET}{SUBNET.network_address + 70}/{SUBNET.prefixlen}"
    assert client.put(f"{LXC}/{vmid}/config", net0=net).status == 200
    yield vmid
    assert client.done(client.delete(f"{LXC}/{vmid}", force=1)) == "OK"


def root_of(real: LabNode, vmid: int, client: Client) -> Path:
    pid = client.get(f"{LXC}/{vmid}/status/current").data["pid"]
    return Path(f"/proc/{pid}/root")


def wait_for_root(real: LabNode, vmid: int, client: Client) -> None:
    """The start after a rollback is a task of its own, as on Proxmox VE."""
    current = f"{LXC}/{vmid}/status/current"
    give_up = time.monotonic() + 30
    while "pid" not in client.get(current).data or not has_started(root_of(real, vmid, client)):
        assert time.monotonic() < give_up, "the container did not start"
        time.sleep(0.1)


def has_started(root: Path) -> bool:
    """Whether the process in this root has the container's own files."""
    return (root / "www/index.html").exists()


def test_a_desktop_lives_and_is_gone(real: LabNode, desktop: int) -> None:
    client = real.client("portal")
    assert client.done(client.post(f"{LXC}/{desktop}/status/start")) == "OK"
    current = client.get(f"{LXC}/{desktop}/status/current").data
    assert current["status"] == "running"
    assert current["mem"] > 0
    addresses = [each.get("inet") for each in client.get(f"{LXC}/{desktop}/interfaces").data]
    assert f"{SUBNET.network_address + 70}/{SUBNET.prefixlen}" in addresses
    assert (root_of(real, desktop, client) / "etc/hostname").read_text().strip() == "desktop-a"
    down = client.post(f"{LXC}/{desktop}/status/shutdown", timeout=20)
    assert client.done(down) == "OK"
    assert client.get(f"{LXC}/{desktop}/status/current").data["status"] == "stopped"


def test_it_runs_on_while_the_server_is_killed(real: LabNode, desktop: int) -> None:
    client = real.client("portal")
    assert client.done(client.post(f"{LXC}/{desktop}/status/start")) == "OK"
    pid = client.get(f"{LXC}/{desktop}/status/current").data["pid"]
    real.kill()
    real.start()
    current = client.get(f"{LXC}/{desktop}/status/current").data
    assert (current["status"], current["pid"]) == ("running", pid)


def test_a_snapshot_keeps_files(real: LabNode, desktop: int) -> None:
    client = real.client("portal")
    assert client.done(client.post(f"{LXC}/{desktop}/snapshot", snapname="clean")) == "OK"
    assert client.done(client.post(f"{LXC}/{desktop}/status/start")) == "OK"
    (root_of(real, desktop, client) / "etc/made-later").write_text("x")
    back = client.post(f"{LXC}/{desktop}/snapshot/clean/rollback", start=1)
    assert client.done(back) == "OK"
    wait_for_root(real, desktop, client)
    assert not (root_of(real, desktop, client) / "etc/made-later").exists()


def test_a_snapshot_survives_a_restart_and_goes(real: LabNode, desktop: int) -> None:
    client = real.client("portal")
    assert client.done(client.post(f"{LXC}/{desktop}/snapshot", snapname="kept")) == "OK"
    real.kill()
    real.start()
    assert client.done(client.post(f"{LXC}/{desktop}/status/start")) == "OK"
    assert client.done(client.delete(f"{LXC}/{desktop}/snapshot/kept")) == "OK"
    names = [each["name"] for each in client.get(f"{LXC}/{desktop}/snapshot").data]
    assert names == ["current"]


def test_a_container_that_starts_after_a_rollback_is_destroyed_when_it_has_started(
    real: LabNode, template: int
) -> None:
    """The destroy waits for the start's lock, and leaves nothing incomplete."""
    client, vmid = real.client("portal"), 30002
    made = client.post(f"{LXC}/{template}/clone", newid=vmid, pool="winux", hostname="desktop-b")
    assert client.done(made) == "OK"
    assert client.done(client.post(f"{LXC}/{vmid}/snapshot", snapname="clean")) == "OK"
    for _ in range(3):
        back = client.post(f"{LXC}/{vmid}/snapshot/clean/rollback", start=1)
        assert client.done(back) == "OK"
        stopped = client.post(f"{LXC}/{vmid}/status/stop")
        assert stopped.status == 500 or client.done(stopped) == "OK"
    back = client.post(f"{LXC}/{vmid}/snapshot/clean/rollback", start=1)
    assert client.done(back) == "OK"
    assert client.done(client.delete(f"{LXC}/{vmid}", force=1)) == "OK"
    assert vmid not in {row["vmid"] for row in client.get(LXC).data}
