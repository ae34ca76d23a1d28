"""What no recording shows: cases that follow from Proxmox's own code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.labnode.server import Client

LXC = "/nodes/lab/lxc"


@pytest.fixture(scope="module")
def vmid(make: Callable[..., int]) -> int:
    return make(470)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Zed;alpha,Beta", "alpha;beta;zed"), ("one ONE one", "one"), ("b\ta", "a;b")],
)
def test_tags_are_small_sorted_and_unique(root: Client, vmid: int, given: str, kept: str) -> None:
    assert root.put(f"{LXC}/{vmid}/config", tags=given).status == 200
    assert root.get(f"{LXC}/{vmid}/config").data["tags"] == kept
    listed = {row["vmid"]: row for row in root.get(LXC).data}
    assert listed[vmid]["tags"] == kept


def test_rights_that_come_from_a_pool_do_not_propagate(portal: Client, vmid: int) -> None:
    held = portal.get("/access/permissions").data
    assert set(held[f"/vms/{vmid}"].values()) == {0}
    assert set(held["/pool/winux"].values()) == {1}
    answer = portal("GET", "/access/permissions", {"path": f"/vms/{vmid}"})
    assert answer.data == {f"/vms/{vmid}": held[f"/vms/{vmid}"]}


def test_the_configuration_names_the_snapshot_that_it_comes_from(root: Client, vmid: int) -> None:
    assert "parent" not in root.get(f"{LXC}/{vmid}/config").data
    for name in ("one", "two"):
        assert root.done(root.post(f"{LXC}/{vmid}/snapshot", snapname=name)) == "OK"
        assert root.get(f"{LXC}/{vmid}/config").data["parent"] == name
    assert {"key": "parent", "value": "two"} in root.get(f"{LXC}/{vmid}/pending").data
    assert root.get(f"{LXC}/{vmid}/config", snapshot="two").data["parent"] == "one"
    assert root.done(root.delete(f"{LXC}/{vmid}/snapshot/two")) == "OK"
    assert root.get(f"{LXC}/{vmid}/config").data["parent"] == "one"
    assert root.done(root.delete(f"{LXC}/{vmid}/snapshot/one")) == "OK"
    assert "parent" not in root.get(f"{LXC}/{vmid}/config").data


def test_a_snapshot_and_the_present_exclude_each_other(root: Client, vmid: int) -> None:
    answer = root.get(f"{LXC}/{vmid}/config", snapshot="one", current=1)
    text = "cannot use 'snapshot' parameter with 'current'"
    assert (answer.status, answer.json["errors"]) == (400, {"snapshot": text, "current": text})


@pytest.mark.parametrize("name", ["current", "vzdump"])
def test_some_names_of_snapshots_are_reserved(root: Client, vmid: int, name: str) -> None:
    answer = root.post(f"{LXC}/{vmid}/snapshot", snapname=name)
    assert answer.status == 500
    assert answer.json["message"] == f"unable to use snapshot name '{name}' (reserved name)\n"
