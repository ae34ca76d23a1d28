"""Reading a cluster of several nodes: where containers are, and what an unreachable node hides."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.cluster import (
    REPLICAS,
    create,
    environment_of,
    faults,
    make_replicas,
    node_options,
)
from tests.labnode.server import LabNode
from webapp.adapters.proxmox import ProxmoxHypervisor
from webapp.config import load
from webapp.domain.errors import OutsideFailed

RANGE = range(30001, 31000)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    folder = tmp_path_factory.mktemp("cluster") / "state"
    folder.mkdir()
    node = LabNode(folder, ["--faults", *node_options("abc")]).start()
    make_replicas(node.client(), REPLICAS)
    create(node.client(), "b", 30001, hostname="desktop-0000000b")
    create(node.client(), "c", 30002, hostname="desktop-0000000c")
    yield node
    node.stop()


@pytest.fixture
def hypervisor(lab: LabNode, tmp_path: Path) -> Iterator[ProxmoxHypervisor]:
    yield ProxmoxHypervisor(load(environment_of(lab, tmp_path)).proxmox)
    faults(lab)


def test_containers_of_all_nodes_are_listed_and_found(hypervisor: ProxmoxHypervisor) -> None:
    found = hypervisor.container(30002)
    assert found
    assert found.node == "c"
    listing = hypervisor.containers(RANGE)
    assert {vmid: one.node for vmid, one in listing.items()} == {30001: "b", 30002: "c"}
    assert listing.answered == {"a", "b", "c"}
    assert hypervisor.container(30999) is None


def test_what_is_on_a_node_that_is_down_is_unknown_and_the_rest_is_not(
    lab: LabNode, hypervisor: ProxmoxHypervisor
) -> None:
    faults(lab, {"kind": "node-down", "node": "c"})
    listing = hypervisor.containers(RANGE)
    assert (list(listing), listing.silent) == ([30001], {"c"})
    assert hypervisor.container(30001) is not None
    assert hypervisor.container(30999) is None
    with pytest.raises(OutsideFailed, match=r"595|on node c, which does not answer"):
        hypervisor.container(30002)


def test_a_node_whose_list_fails_is_silent_too(lab: LabNode, hypervisor: ProxmoxHypervisor) -> None:
    faults(lab, {"kind": "error", "path": "/nodes/b/lxc$", "count": 0})
    assert hypervisor.containers(RANGE).silent == {"b"}
    faults(lab, {"kind": "error", "path": "/nodes/./lxc$", "count": 0})
    with pytest.raises(OutsideFailed):
        hypervisor.containers(RANGE)


def test_a_look_shows_nodes_with_their_room_and_templates(
    lab: LabNode, hypervisor: ProxmoxHypervisor
) -> None:
    faults(lab, {"kind": "node-down", "node": "c"}, {"kind": "node-full", "node": "b"})
    sight = hypervisor.look()
    nodes = {node.name: node for node in sight.nodes}
    assert [nodes[name].is_online for name in "abc"] == [True, True, False]
    assert (nodes["a"].memory_mb, nodes["a"].free_mb) == (16_384, 16_384 - 512)
    assert (nodes["b"].free_mb, nodes["b"].storage_free_gb) == (0, 0)
    assert nodes["c"].trouble == "It is offline."
    assert sight.containers[29001].is_template
    assert sight.in_work == frozenset()


def test_a_lock_is_told_from_a_clone_under_way(lab: LabNode, hypervisor: ProxmoxHypervisor) -> None:
    client = lab.client("portal")
    faults(lab, {"kind": "stale-lock", "path": "/nodes/a/.*/clone"})
    client.wait(client.post("/nodes/a/lxc/29001/clone", newid=30900, pool="winux").data)
    sight = hypervisor.look()
    assert (sight.containers[29001].lock, sight.in_work) == ("disk", frozenset())
    lab.client()("PUT", "/labnode/unlock?vmid=29001", is_whole=True)
    assert hypervisor.look().containers[29001].lock is None


def test_a_container_that_moved_is_found_where_it_is(
    lab: LabNode, hypervisor: ProxmoxHypervisor
) -> None:
    client = lab.client()
    create(client, "a", 30003, hostname="desktop-00000003")
    assert hypervisor.containers(RANGE)[30003].node == "a"
    assert client.done(client.delete("/nodes/a/lxc/30003")) == "OK"
    create(client, "b", 30003, hostname="desktop-00000003")
    found = hypervisor.container(30003)
    assert found
    assert found.node == "b"
