"""Cases that no recording has; they follow from Proxmox's own code."""

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


def test_rolling_back_starts_it_in_a_task_of_its_own(root: Client, vmid: int) -> None:
    assert root.done(root.post(f"{LXC}/{vmid}/snapshot", snapname="before")) == "OK"
    assert root.done(root.post(f"{LXC}/{vmid}/snapshot/before/rollback", start=1)) == "OK"
    kinds = [row["type"] for row in root.get("/nodes/lab/tasks", vmid=vmid, source="all").data]
    assert set(kinds[:2]) == {"vzrollback", "vzstart"}
    started = root.get("/nodes/lab/tasks", vmid=vmid, source="all", typefilter="vzstart").data[0]
    assert root.wait(started["upid"]) == "OK"
    assert root.done(root.post(f"{LXC}/{vmid}/status/stop")) == "OK"
    assert root.done(root.delete(f"{LXC}/{vmid}/snapshot/before")) == "OK"


def test_a_lock_is_looked_at_before_names_of_snapshots(
    root: Client, make: Callable[..., int]
) -> None:
    vmid = make(471)
    assert root.done(root.post(f"{LXC}/{vmid}/snapshot", snapname="one")) == "OK"
    locked = "CT is locked (disk)"
    leave_lock(root, vmid)
    for name in ("one", "two"):
        assert root.done(root.post(f"{LXC}/{vmid}/snapshot", snapname=name)) == locked
    assert root.done(root.delete(f"{LXC}/{vmid}/snapshot/one")) == locked
    unknown = root.delete(f"{LXC}/{vmid}/snapshot/two")
    assert root.done(unknown) == "snapshot 'two' does not exist"
    assert root.done(root.post(f"{LXC}/{vmid}/snapshot/one/rollback")) == locked
    changed = root.put(f"{LXC}/{vmid}/snapshot/two/config", description="new")
    assert (changed.status, changed.json["message"]) == (500, f"{locked}\n")
    assert root.put(f"{LXC}/{vmid}/snapshot/two/config").status == 200
    assert root("PUT", f"/labnode/unlock?vmid={vmid}", is_whole=True).status == 200


def leave_lock(root: Client, vmid: int) -> None:
    """A clone's task dies as by `kill -9`."""
    fault = [{"kind": "stale-lock", "path": f"/{vmid}/clone"}]
    assert root("PUT", "/labnode/faults", None, json=fault, is_whole=True).status == 200
    assert root.done(root.post(f"{LXC}/{vmid}/clone", newid=vmid + 5000)) == "unexpected status"


def test_an_interrupted_create_leaves_a_locked_container(root: Client, archive: str) -> None:
    wanted = {"ostemplate": archive, "rootfs": "local-lab:4"}
    upid = root.post(LXC, vmid=472, **wanted).data
    assert root.delete(f"/nodes/lab/tasks/{upid}").status == 200
    assert root.wait(upid) == "unexpected status"
    left = root.get(f"{LXC}/472/config").data
    assert left == {"lock": "create", "digest": left["digest"]}
    refused = root.delete(f"{LXC}/472", force=1)
    assert (refused.status, refused.json["message"]) == (500, "CT is locked (create)\n")
    assert root("PUT", "/labnode/unlock?vmid=472", is_whole=True).status == 200
    assert root.done(root.delete(f"{LXC}/472")) == "OK"


def test_the_same_option_cannot_be_deleted_and_reverted(root: Client, vmid: int) -> None:
    answer = root.put(f"{LXC}/{vmid}/config", delete="cores", revert="cores")
    text = "you can't use '-delete cores' and '-revert cores' at the same time"
    assert (answer.status, answer.json["errors"]) == (400, {"delete": text})


def test_mount_points_need_a_root_file_system(root: Client, archive: str) -> None:
    answer = root.post(LXC, vmid=473, ostemplate=archive, mp0="local-lab:1,mp=/srv")
    text = "mount points configured, but 'rootfs' not set - aborting"
    assert (answer.status, answer.json["message"]) == (500, f"{text}\n")


@pytest.mark.parametrize(
    ("role", "held", "lacked"),
    [
        ("PVETemplateUser", {"VM.Clone", "VM.Audit"}, {"VM.Allocate"}),
        ("PVEVMUser", {"VM.PowerMgmt", "VM.Console", "VM.Audit"}, {"VM.Allocate", "VM.Clone"}),
        ("PVEVMAdmin", {"VM.Allocate", "VM.PowerMgmt", "VM.Audit"}, {"Pool.Audit", "Sys.Audit"}),
        ("PVEAdmin", {"VM.Allocate", "Pool.Allocate"}, {"Sys.Modify", "Permissions.Modify"}),
        ("PVEDatastoreAdmin", {"Datastore.Allocate", "Datastore.Audit"}, {"VM.Audit"}),
        ("PVESysAdmin", {"Sys.Audit", "Sys.Console"}, {"Sys.Modify", "Sys.PowerMgmt"}),
        ("PVEPoolUser", {"Pool.Audit"}, {"Pool.Allocate"}),
        ("PVESDNAdmin", {"SDN.Allocate", "SDN.Use", "SDN.Audit"}, {"Sys.Audit"}),
        ("PVEUserAdmin", {"User.Modify", "Group.Allocate"}, {"Realm.Allocate"}),
    ],
)
def test_roles_that_proxmox_has_by_itself(
    root: Client, portal: Client, role: str, held: set[str], lacked: set[str]
) -> None:
    where = {"path": "/vms/4999", "roles": role}
    whom = {"users": "winux@pve", "tokens": "winux@pve!portal"}
    assert root("PUT", "/access/acl", where | whom).status == 200
    found = portal("GET", "/access/permissions", {"path": "/vms/4999"}).data["/vms/4999"]
    assert held <= set(found)
    assert not lacked & set(found)
    assert root("PUT", "/access/acl", where | whom | {"delete": 1}).status == 200


@pytest.mark.parametrize("role", ["PVESysUser", "PVEUserUser", "PVEUserAuditor"])
def test_roles_that_proxmox_does_not_have(root: Client, role: str) -> None:
    answer = root("PUT", "/access/acl", {"path": "/vms/4999", "roles": role, "users": "winux@pve"})
    assert answer.json["message"] == f"ACL update failed: role '{role}' does not exist\n"
