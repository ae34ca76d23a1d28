"""Several simulated nodes behind one API: shared parts, separate parts, and nodes that are down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.labnode.conftest import upload_archive
from tests.labnode.server import Client, LabNode

NODES = ["--node", "a:4096", "--node", "b:8192", "--node", "c:8192"]
POOL = {"pool": "winux", "rootfs": "local-lab:4"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    state_dir = tmp_path_factory.mktemp("lab") / "state"
    state_dir.mkdir()
    server = LabNode(state_dir, ["--faults", *NODES]).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def on(cluster: LabNode, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], None]:
    """Create a stopped container on a node, from an archive that was uploaded there."""
    client, volumes = cluster.client(), dict[str, str]()

    def make(node: str, vmid: int) -> None:
        if node not in volumes:
            volumes[node] = upload_archive(client, tmp_path_factory.mktemp("up"), node)
        answer = client.post(f"/nodes/{node}/lxc", vmid=vmid, ostemplate=volumes[node], **POOL)
        assert client.done(answer) == "OK"

    return make


@pytest.fixture
def fault(cluster: LabNode) -> Iterator[Callable[..., None]]:
    client = cluster.client()

    def order(*faults: dict[str, Any]) -> None:
        answer = client("PUT", "/labnode/faults", None, json=list(faults), is_whole=True)
        assert answer.status == 200, answer.text

    yield order
    client("DELETE", "/labnode/faults", is_whole=True)


@pytest.fixture
def portal(cluster: LabNode) -> Client:
    return cluster.client("portal")


def test_each_node_has_its_own_memory_and_containers(
    portal: Client, on: Callable[[str, int], None]
) -> None:
    on("b", 30101)
    rows = {row["node"]: row for row in portal.get("/nodes").data}
    assert {name: row["maxmem"] >> 20 for name, row in rows.items()} == {
        "a": 4096,
        "b": 8192,
        "c": 8192,
    }
    assert [row["vmid"] for row in portal.get("/nodes/b/lxc").data] == [30101]
    assert portal.get("/nodes/a/lxc").data == []
    assert portal.get("/nodes/a/lxc/30101/config").status == 500
    resources = portal.get("/cluster/resources", type="vm").data
    assert [(row["vmid"], row["node"]) for row in resources] == [(30101, "b")]


def test_a_vmid_is_taken_on_all_nodes_at_once(
    cluster: LabNode, on: Callable[[str, int], None]
) -> None:
    on("b", 30102)
    on("a", 30103)
    client = cluster.client()
    answer = client.post(
        "/nodes/a/lxc", vmid=30102, ostemplate="local:vztmpl/base_1.tar.zst", **POOL
    )
    assert answer.reason == "CT 30102 already exists on node 'b'"
    assert client.get("/cluster/nextid", vmid=30102).status == 400


def test_a_node_that_is_down_does_not_answer_and_hides_what_it_does(
    portal: Client, on: Callable[[str, int], None], fault: Callable[..., None]
) -> None:
    on("c", 30104)
    fault({"kind": "node-down", "node": "c"})
    answer = portal.get("/nodes/c/lxc")
    assert (answer.status, answer.reason, answer.text) == (595, "No route to host", "")
    assert portal.get("/nodes/a/lxc").status == 200
    rows = {row["node"]: row for row in portal.get("/nodes").data}
    assert rows["c"]["status"] == "offline"
    assert "maxmem" not in rows["c"]
    resources = {row["vmid"]: row for row in portal.get("/cluster/resources", type="vm").data}
    assert resources[30104]["status"] == "unknown"
    fault()
    assert portal.get("/nodes/c/lxc").data[0]["vmid"] == 30104


def test_a_node_that_is_full_says_so(portal: Client, fault: Callable[..., None]) -> None:
    fault({"kind": "node-full", "node": "a"})
    rows = {row["node"]: row for row in portal.get("/nodes").data}
    assert rows["a"]["mem"] == rows["a"]["maxmem"]
    assert rows["b"]["mem"] < rows["b"]["maxmem"]
    assert portal.get("/nodes/a/storage", storage="local-lab").data[0]["avail"] == 0


def test_a_clone_that_dies_leaves_its_lock_until_somebody_unlocks(
    cluster: LabNode, portal: Client, on: Callable[[str, int], None], fault: Callable[..., None]
) -> None:
    on("a", 29001)
    assert cluster.client().post("/nodes/a/lxc/29001/template").status == 200
    fault({"kind": "stale-lock", "path": "/clone"})
    first = portal.post("/nodes/a/lxc/29001/clone", newid=30110, pool="winux")
    assert portal.wait(first.data) == "unexpected status"
    second = portal.post("/nodes/a/lxc/29001/clone", newid=30111, pool="winux")
    assert second.reason == "CT is locked (disk)"
    assert portal.get("/nodes/a/lxc").data[0]["lock"] == "disk"
    portal("PUT", "/labnode/unlock?vmid=29001", is_whole=True)
    third = portal.post("/nodes/a/lxc/29001/clone", newid=30112, pool="winux")
    assert portal.done(third) == "OK"


def test_a_cluster_survives_a_kill(
    cluster: LabNode, portal: Client, on: Callable[[str, int], None]
) -> None:
    on("b", 30120)
    cluster.kill()
    cluster.start()
    again = cluster.client("portal")
    assert 30120 in [row["vmid"] for row in again.get("/nodes/b/lxc").data]
    assert 30120 not in [row["vmid"] for row in again.get("/nodes/a/lxc").data]
