"""Clones and templates."""

from __future__ import annotations

import re

from labnode import options
from labnode.api.lxc import add_to_pool, roll_back
from labnode.api.lxc_rules import (
    ALLOCATE,
    AUDIT,
    GUEST,
    VMID_PARAM,
    check_pool,
    check_resource,
    check_rootdir,
)
from labnode.backend import BackendError, parse_properties
from labnode.errors import ApiError, Failed
from labnode.options import Config
from labnode.routes import Call, Node, Routes, both, either, perm
from labnode.schema import FLAG, VMID, Param, choice, required, text
from labnode.tasks import Died, Log

routes = Routes()


@routes.add(
    "POST",
    f"{GUEST}/clone",
    both(
        perm("/vms/{vmid}", "VM.Clone"),
        either(
            perm("/vms/{newid}", "VM.Allocate"),
            perm("/pool/{pool}", "VM.Allocate", needs="pool"),
        ),
    ),
    {
        **VMID_PARAM,
        "newid": required(VMID),
        "bwlimit": Param("number", minimum=0),
        "description": text(),
        "full": FLAG,
        "hostname": text(format="dns-name"),
        "pool": text(format="pve-poolid"),
        "snapname": text(format="pve-configid", max_length=40),
        "storage": text(format="pve-storage-id"),
        "target": text(format="pve-node"),
    },
)
def clone(call: Call) -> object:
    """Copy a container, or create a linked clone of a template, in the background."""
    node, params = call.node, call.params
    vmid, newid, pool = params["vmid"], params["newid"], params.get("pool")
    check_pool(node, pool)
    if params.get("target", node.name) not in (node.name, "localhost"):  # no storage is shared
        raise Failed(f"no such cluster node '{params['target']}'")
    if "storage" in params:
        node.storages.get(params["storage"])
    source = node.guests.lock(vmid, "disk")
    try:
        node.guests.reserve(newid, {})
    except ApiError:
        node.guests.unlock(vmid)
        raise
    try:
        final, is_full = _cloned_config(call, source)
        node.guests.replace(newid, {**_without_disk(final), "lock": "create"})
    except ApiError:
        node.guests.unlock(vmid)
        node.guests.forget(newid)
        raise
    volume = parse_properties(source.get("rootfs", ""), "volume").get("volume", "")
    was_running = node.guests.is_running(vmid)
    name = params.get("snapname")
    origin = node.snapshots.get(vmid, name)["copy"] if name else vmid

    def work(log: Log) -> None:
        if call.fault and call.fault.leaves_locks:
            raise Died
        try:
            if node.guests.is_running(vmid) != was_running:
                raise BackendError("unexpected state change")
            kind, thing = ("full", "mountpoint") if is_full else ("linked", "mount point")
            log(f"create {kind} clone of {thing} rootfs ({volume})")
            # A "linked" clone of a container that is not a template is also a copy: no storage is
            # shared.
            copies = is_full or source.get("template") != "1"
            node.backend.clone(origin, newid, full=copies)
            log.check()
        except (BackendError, OSError) as error:
            roll_back(node, newid)
            raise BackendError(f"clone failed: {error}") from error
        finally:
            node.guests.unlock(vmid)
        add_to_pool(node, newid, pool)
        node.guests.firewall.copy(vmid, newid)
        node.guests.replace(newid, final)

    return call.spawn("vzclone", vmid, work)


@routes.add("POST", f"{GUEST}/template", ALLOCATE, VMID_PARAM)
def make_template(call: Call) -> object:
    """Turn a stopped container into a template before the response is sent."""
    guests, vmid = call.node.guests, call.params["vmid"]
    guests.config(vmid)
    with guests.file_lock(vmid):
        config = guests.check_lock(vmid)
        if call.node.snapshots.all(vmid):
            raise Failed("unable to create template, because CT contains snapshots")
        if config.get("template") == "1":
            raise Failed("you can't convert a template to a template")
        if guests.is_running(vmid):
            raise Failed("you can't convert a CT to template if the CT is running")

        def work(log: Log) -> None:
            call.node.backend.make_template(vmid)
            rootfs = config.get("rootfs", "").replace("/vm-", "/base-")
            guests.update(vmid, {"template": "1", "rootfs": rootfs})

        # The response waits for this task but does not name it.
        upid = call.spawn("vztemplate", vmid, work)
        call.node.tasks.wait(upid, None)
        ended = call.node.tasks.find(upid)
        if ended and ended["exitstatus"] != "OK":
            raise Failed(ended["exitstatus"])
    return None


@routes.add(
    "GET",
    f"{GUEST}/feature",
    AUDIT,
    {
        **VMID_PARAM,
        "feature": required(choice("snapshot", "clone", "copy")),
        "snapname": text(format="pve-configid", max_length=40),
    },
)
def feature(call: Call) -> object:
    """Report whether the container's storage supports a feature."""
    config = call.node.guests.config(call.params["vmid"])
    storage = config.get("rootfs", "local-lab:").partition(":")[0]
    can_clone = call.node.storages.can_clone(storage)
    return {"hasFeature": int(call.params["feature"] == "copy" or can_clone)}


def _cloned_config(call: Call, source: Config) -> tuple[Config, bool]:
    """The configuration of a clone, and whether it is a full one."""
    node, params = call.node, call.params
    vmid, newid = params["vmid"], params["newid"]
    is_full = bool(params.get("full", source.get("template") != "1"))
    if "storage" in params and not is_full:
        raise Failed("parameter 'storage' not allowed for linked clones")
    if "snapname" in params:
        source = node.snapshots.get(vmid, params["snapname"])["config"]
    config = {
        k: v
        for k, v in source.items()
        if k not in ("lock", "template") and not re.fullmatch(r"unused\d+", k)
    }
    for key in sorted(config):
        if key == "rootfs":
            parts = parse_properties(config[key], "volume")
            origin = parts["volume"].partition(":")[0]
            storage = params.get("storage", origin)
            check_rootdir(call, storage)
            _check_clone(node, vmid, parts["volume"], is_full, "snapname" in params)
            config[key] = f"{storage}:{newid}/vm-{newid}-disk-0.raw,size={parts['size']}"
        elif re.fullmatch(r"net\d+", key):
            config[key] = options.network_value(config[key], new_address=True)
            check_resource(call, key, config[key])
    for key in ("hostname", "description"):
        config |= {key: params[key]} if key in params else {}
    return config, is_full


def _check_clone(node: Node, vmid: int, volume: str, is_full: bool, has_snapshot: bool) -> None:
    if is_full and node.guests.is_running(vmid) and not has_snapshot:
        raise Failed("Cannot do full clones on a running container without snapshots")
    can_clone = "/subvol-" not in volume and node.storages.can_clone(volume.partition(":")[0])
    if not is_full and not can_clone:
        raise Failed(f"Linked clone feature for '{volume}' is not available")


def _without_disk(config: Config) -> Config:
    return {key: value for key, value in config.items() if key != "rootfs"}
