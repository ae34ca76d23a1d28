"""The state after a crash: what is kept (state, containers, tokens), and what is rolled back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labnode.conftest import upload_archive
from tests.labnode.server import ROOT, Client, LabNode, allow_more

LXC = "/nodes/lab/lxc"
SLOW = {"create": 1.5, "clone": 1.5, "full_clone": 1.5, "destroy": 0.01}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabNode]:
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    allow_more(state_dir, "/pool/winux")
    server = LabNode(state_dir).start()
    yield server
    server.stop()


@pytest.fixture
def client(lab: LabNode, tmp_path: Path) -> Client:
    """A builder on a node with a template 29001 and a running desktop 30001."""
    client = lab.client()
    volume = upload_archive(client, tmp_path)
    options = {"ostemplate": volume, "rootfs": "local-lab:4", "pool": "winux"}
    assert client.done(client.post(LXC, vmid=29001, **options)) == "OK"
    assert client.post(f"{LXC}/29001/template").status == 200
    assert client.done(client.post(f"{LXC}/29001/clone", newid=30001, pool="winux")) == "OK"
    assert client.done(client.post(f"{LXC}/30001/status/start")) == "OK"
    return client


def slow_down(lab: LabNode) -> None:
    (lab.state_dir / "timings.json").write_text(json.dumps(SLOW))
    lab.stop()
    lab.start()


def test_everything_is_there_after_kill_9(lab: LabNode, client: Client) -> None:
    client.put(f"{LXC}/30001/config", description="winux: portal=a desktop=b", memory=640)
    before = client.get(f"{LXC}/30001/config").data
    tasks = client.get("/nodes/lab/tasks").json
    secrets = lab.settings("portal")
    lab.kill()
    lab.start()
    assert lab.settings("portal") == secrets
    assert client.get(f"{LXC}/30001/config").data == before
    assert client.get("/nodes/lab/tasks").json == tasks
    assert client.get(f"{LXC}/30001/status/current").data["status"] == "running"
    members = [row["vmid"] for row in client.get("/pools/winux").data["members"]]
    assert members == [29001, 30001]
    volumes = [row["volid"] for row in client.get("/nodes/lab/storage/local/content").data]
    assert volumes == ["local:vztmpl/base_1.tar.zst"]


def test_a_clone_cut_short_by_kill_9_is_rolled_back(lab: LabNode, client: Client) -> None:
    slow_down(lab)
    upid = client.post(f"{LXC}/29001/clone", newid=30002, pool="winux").data
    assert client.post(f"{LXC}/29001/clone", newid=30003, pool="winux").reason == (
        "CT is locked (disk)"
    )
    lab.kill()
    lab.start()
    status = client.get(f"/nodes/lab/tasks/{upid}/status").data
    assert (status["status"], status["exitstatus"]) == ("stopped", "unexpected status")
    assert "lock" not in client.get(f"{LXC}/29001/config").data
    assert client.get("/cluster/nextid", vmid=30002).data == "30002"
    assert client.done(client.post(f"{LXC}/29001/clone", newid=30002, pool="winux")) == "OK"


def test_a_create_cut_short_by_kill_9_is_rolled_back(lab: LabNode, client: Client) -> None:
    slow_down(lab)
    options = {"ostemplate": "local:vztmpl/base_1.tar.zst", "rootfs": "local-lab:4"}
    assert client.post(LXC, vmid=29005, pool="winux", **options).status == 200
    lab.kill()
    lab.start()
    assert client.get("/cluster/nextid", vmid=29005).data == "29005"
    assert not (lab.state_dir / "memory" / "29005.json").exists()


def test_sigterm_lets_a_clone_end_first(lab: LabNode, client: Client) -> None:
    slow_down(lab)
    upid = client.post(f"{LXC}/29001/clone", newid=30002, pool="winux").data
    assert lab.process is not None
    lab.process.send_signal(signal.SIGTERM)
    assert lab.process.wait(20) == 0
    lab.start()
    assert client.get(f"/nodes/lab/tasks/{upid}/status").data["exitstatus"] == "OK"
    assert "lock" not in client.get(f"{LXC}/30002/config").data


def test_a_container_that_dies_is_seen(lab: LabNode, client: Client) -> None:
    file = lab.state_dir / "memory" / "30001.json"
    dead = {**json.loads(file.read_text()), "started_at": 0.0}
    file.write_text(json.dumps(dead))
    assert client.get(f"{LXC}/30001/status/current").data["status"] == "stopped"
    assert client.get(f"{LXC}/30001/interfaces").data is None
    assert client.post(f"{LXC}/30001/status/stop").reason == "CT 30001 not running"


def test_files_without_a_container_are_removed_at_the_start(lab: LabNode, client: Client) -> None:
    stray = lab.state_dir / "memory" / "777.json"
    stray.write_text("{}")
    lab.stop()
    lab.start()
    assert not stray.exists()
    assert (lab.state_dir / "memory" / "30001.json").exists()


def test_a_snapshot_survives_and_can_be_gone_back_to(lab: LabNode, client: Client) -> None:
    made = client.post(f"{LXC}/30001/snapshot", snapname="before", description="clean")
    assert client.done(made) == "OK"
    client.put(f"{LXC}/30001/config", memory=700)
    lab.kill()
    lab.start()
    names = [row["name"] for row in client.get(f"{LXC}/30001/snapshot").data]
    assert names == ["before", "current"]
    assert client.done(client.post(f"{LXC}/30001/snapshot/before/rollback")) == "OK"
    assert client.get(f"{LXC}/30001/config").data["memory"] == 512
    assert client.done(client.delete(f"{LXC}/30001", force=1)) == "OK"
    assert [file.stem for file in (lab.state_dir / "memory").iterdir()] == ["29001"]


def test_a_second_server_on_the_same_state_is_refused(lab: LabNode) -> None:
    result = run("serve", "--state-dir", lab.state_dir, "--backend", "memory")
    assert result.returncode == 1
    assert "is in use by another labnode; stop it first" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_one_clear_line(lab: LabNode, tmp_path: Path) -> None:
    address = lab.url.removeprefix("https://")
    other = ["--backend", "memory", "--listen", address, "--state-dir", tmp_path / "other"]
    result = run("serve", *other)
    assert result.returncode == 1
    assert result.stderr.startswith(f"labnode: cannot listen on {address}: ")
    assert "Traceback" not in result.stderr


def test_a_spoiled_state_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_text("this is not a database, or not any more\n" * 200)
    result = run("serve", "--state-dir", tmp_path, "--backend", "memory", "--listen", "127.0.0.1:0")
    assert result.returncode == 1
    assert result.stderr.startswith(f"labnode: cannot use {tmp_path}/state.sqlite: ")
    assert "Traceback" not in result.stderr


def test_clean_works_when_the_server_is_dead_and_twice(lab: LabNode, client: Client) -> None:
    lab.kill()
    for _ in range(2):
        result = run("clean", "--state-dir", lab.state_dir)
        assert (result.returncode, result.stderr) == (0, "")
    assert not list((lab.state_dir / "memory").glob("*.json"))
    lab.start()
    assert lab.client().get("/nodes/lab/lxc").data == []


def test_five_thousand_containers_are_listed_quickly(tmp_path: Path) -> None:
    from labnode.store import Store

    state_dir = tmp_path / "state"
    (state_dir / "memory").mkdir(parents=True)
    guests = Store(state_dir / "state.sqlite").table("guest")
    for vmid in range(1000, 6000):
        guests.put(vmid, {"hostname": f"d{vmid}", "memory": "512", "rootfs": "local-lab:x,size=4G"})
        (state_dir / "memory" / f"{vmid}.json").write_text(json.dumps({"started_at": 0.0}))
    pools = Store(state_dir / "state.sqlite").table("pool")
    pools.put("winux", {"vms": list(range(1000, 6000)), "comment": ""})
    lab = LabNode(state_dir).start()
    try:
        client = lab.client("portal")
        client.get("/version")
        for path in ("/cluster/resources?type=vm", "/nodes/lab/lxc"):
            began = time.monotonic()
            rows = client.get(path).data
            assert len(rows) == 5000
            assert time.monotonic() - began < 10, f"{path} took too long"
    finally:
        lab.stop()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "labnode", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
