"""Snapshots of containers: list, make, show, go back to, remove."""

from __future__ import annotations

from labnode import options
from labnode.api.lxc_rules import AUDIT, GUEST, VMID_PARAM
from labnode.api.lxc_status import spawn_start
from labnode.errors import Failed
from labnode.routes import Call, Routes, anyone, perm
from labnode.schema import FLAG, required, text
from labnode.store import Document
from labnode.tasks import Log

routes = Routes()

NAME = {"snapname": required(text(format="pve-configid", max_length=40))}
SNAPSHOT = f"{GUEST}/snapshot/{{snapname}}"
MAKE = perm("/vms/{vmid}", "VM.Snapshot")
GO_BACK = perm("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback", any_of=True)
LOOK = perm("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit", any_of=True)


@routes.add("GET", f"{GUEST}/snapshot", AUDIT, VMID_PARAM)
def list_snapshots(call: Call) -> object:
    """List all snapshots, and the current state as `current`."""
    guests, snapshots, vmid = call.node.guests, call.node.snapshots, call.params["vmid"]
    now: Document = {
        "name": "current",
        "description": "You are here!",
        "digest": options.digest(guests.config(vmid)),
        "running": int(guests.is_running(vmid)),
    }
    rows = [_row(name, each) for name, each in snapshots.all(vmid).items()]
    return [*rows, {**now, **parent_json(snapshots.parent(vmid))}]


@routes.add("POST", f"{GUEST}/snapshot", MAKE, {**VMID_PARAM, **NAME, "description": text()})
def create_snapshot(call: Call) -> object:
    """Copy the container, in the background; the task checks whether the name is free."""
    node, vmid, name = call.node, call.params["vmid"], call.params["snapname"]
    if name in ("current", "vzdump"):
        raise Failed(f"unable to use snapshot name '{name}' (reserved name)")
    description = call.params.get("description", "")

    def work(log: Log) -> None:
        with node.guests.file_lock(vmid, log):
            config = node.guests.config(vmid)
            if config.get("template") == "1":
                raise Failed("you can't take a snapshot if it's a template")
            storage = config.get("rootfs", "").partition(":")[0]
            can_copy = node.storages.can_clone(storage)
            node.snapshots.create(vmid, name, description, can_copy=can_copy)

    return call.spawn("vzsnapshot", vmid, work)


@routes.add("GET", SNAPSHOT, anyone, {**VMID_PARAM, **NAME})
def index(call: Call) -> object:
    """List the paths below a snapshot."""
    return [{"cmd": "rollback"}, {"cmd": "config"}]


@routes.add("PUT", f"{SNAPSHOT}/config", MAKE, {**VMID_PARAM, **NAME, "description": text()})
def describe_snapshot(call: Call) -> object:
    """Change a snapshot's description; without one nothing is checked."""
    if "description" in call.params:
        vmid, description = call.params["vmid"], call.params["description"]
        call.node.snapshots.describe(vmid, call.params["snapname"], description)
    return None


@routes.add("GET", f"{SNAPSHOT}/config", LOOK, {**VMID_PARAM, **NAME})
def show_snapshot(call: Call) -> object:
    """The configuration in a snapshot."""
    return snapshot_config(call, call.params["snapname"])


@routes.add("POST", f"{SNAPSHOT}/rollback", GO_BACK, {**VMID_PARAM, **NAME, "start": FLAG})
def go_back(call: Call) -> object:
    """Roll the container back to the snapshot, in the background."""
    node, vmid, name = call.node, call.params["vmid"], call.params["snapname"]

    def work(log: Log) -> None:
        with node.guests.file_lock(vmid, log):
            if node.guests.config(vmid).get("template") == "1":
                raise Failed("you can't rollback if vm is a template")
            node.snapshots.rollback(vmid, name)
        if call.params.get("start"):
            spawn_start(call, vmid)

    return call.spawn("vzrollback", vmid, work)


@routes.add("DELETE", SNAPSHOT, MAKE, {**VMID_PARAM, **NAME, "force": FLAG})
def delete_snapshot(call: Call) -> object:
    """Remove a snapshot, in the background."""
    node, vmid, name = call.node, call.params["vmid"], call.params["snapname"]

    def work(log: Log) -> None:
        with node.guests.file_lock(vmid, log):
            node.snapshots.delete(vmid, name)

    return call.spawn("vzdelsnapshot", vmid, work)


def snapshot_config(call: Call, name: str) -> Document:
    """A snapshot's configuration as the API shows it."""
    vmid = call.params["vmid"]
    snapshot = call.node.snapshots.get(vmid, name)
    shown = options.config_json(call.node.snapshots.config(vmid, name))
    digest = {"digest": options.digest(call.node.guests.config(vmid))}
    return {**shown, **digest, "snaptime": snapshot["snaptime"], **parent_json(snapshot["parent"])}


def _row(name: str, snapshot: Document) -> Document:
    description = snapshot["description"]
    return {
        "name": name,
        "description": f"{description}\n" if description else "",
        "snaptime": snapshot["snaptime"],
        **parent_json(snapshot["parent"]),
    }


def parent_json(name: str) -> Document:
    return {"parent": name} if name else {}
