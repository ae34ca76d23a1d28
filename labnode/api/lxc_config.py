"""A container's configuration: show, change, grow its disk."""

from __future__ import annotations

from typing import Any

from labnode import options
from labnode.api.lxc_rules import (
    AUDIT,
    GUEST,
    VMID_PARAM,
    check_digest,
    check_options,
    check_privilege,
)
from labnode.api.snapshots import parent_json, snapshot_config
from labnode.backend import parse_size_gb
from labnode.errors import BadParameters, Failed
from labnode.guests import disk_bytes
from labnode.routes import Call, Routes, perm
from labnode.schema import FLAG, choice, required, split_list, text
from labnode.store import Document
from labnode.tasks import Log

routes = Routes()

CONFIGURE = perm(
    "/vms/{vmid}",
    *(f"VM.Config.{what}" for what in ("Disk", "CPU", "Memory", "Network", "Options")),
    any_of=True,
)


@routes.add(
    "GET",
    f"{GUEST}/config",
    AUDIT,
    {**VMID_PARAM, "current": FLAG, "snapshot": text(format="pve-configid", max_length=40)},
)
def show_config(call: Call) -> object:
    """Return the current configuration (changes are never pending), or that of a snapshot."""
    if "snapshot" in call.params and call.params.get("current"):
        text = "cannot use 'snapshot' parameter with 'current'"
        raise BadParameters({"snapshot": text, "current": text})
    if "snapshot" in call.params:
        return snapshot_config(call, call.params["snapshot"])
    return _now(call)


@routes.add("GET", f"{GUEST}/pending", AUDIT, VMID_PARAM)
def show_pending(call: Call) -> object:
    """The configuration as a list; changes are stored at once, so nothing is ever pending."""
    return [{"key": key, "value": value} for key, value in _now(call).items()]


@routes.add("PUT", f"{GUEST}/config", CONFIGURE, {**options.UPDATE, **VMID_PARAM})
def change_config(call: Call) -> object:
    """Set and delete options; network and size apply at the next start."""
    guests, params = call.node.guests, dict(call.params)
    vmid, expected = params.pop("vmid"), params.pop("digest", None)
    params.pop("node")
    revert = split_list(params.pop("revert", ""))
    if not params and not revert:
        raise Failed("no options specified")
    # A JSON null is stored as a blank and corrupts the option, as on a real node.
    params = {key: " " if value is None else value for key, value in params.items()}
    deleted = split_list(params.pop("delete", ""))
    with guests.file_lock(vmid):
        config = guests.check_lock(vmid)
        check_digest(config, expected)
        for name in [*deleted, *revert]:
            check_privilege(call, name, vmid, None)
        _check_names("revert", revert, params)
        _check_names("delete", deleted, params)
        _check_both(deleted, revert)
        check_options(call, vmid, None, params, config, config.get("unprivileged") == "1")
        _check_read_only(params, deleted)
        values = {key: options.config_value(key, value) for key, value in params.items()}
        guests.update(vmid, values, deleted)
        # Proxmox stores first and reports the error afterwards: the change is already made.
        guests.check_bridge(values)
    return None


@routes.add(
    "PUT",
    f"{GUEST}/resize",
    perm("/vms/{vmid}", "VM.Config.Disk"),
    {
        **VMID_PARAM,
        "digest": text(max_length=40),
        "disk": required(choice("rootfs", *(f"mp{number}" for number in range(256)))),
        "size": text(optional=False, pattern=r"\+?\d+(\.\d+)?[KMGT]?"),
    },
)
def resize(call: Call) -> object:
    """Grow a disk; only the displayed size changes, as the file system has no limit."""
    guests, vmid, disk = call.node.guests, call.params["vmid"], call.params["disk"]
    config = guests.check_lock(vmid)
    call.check(f"/vms/{vmid}", "VM.Config.Options")
    check_digest(config, call.params.get("digest"))
    if disk not in config:
        raise Failed(f"unable to parse volume ID '{disk}'")
    call.check(f"/storage/{config[disk].partition(':')[0]}", "Datastore.AllocateSpace")
    wish = call.params["size"]
    before = disk_bytes(config) / 1024**3
    size = parse_size_gb(wish.lstrip("+")) + (before if wish.startswith("+") else 0)
    if size < before:
        raise Failed("unable to shrink disk size")
    if size == before:
        raise Failed("disk is already at specified size")
    volume = config[disk].partition(",")[0]

    def work(log: Log) -> None:
        with guests.file_lock(vmid, log):
            guests.update(vmid, {disk: f"{volume},size={size:g}G"})

    return call.spawn("resize", vmid, work)


def _now(call: Call) -> Document:
    """Return the configuration as the API shows it, with the snapshot that it is based on."""
    vmid = call.params["vmid"]
    shown = options.config_json(call.node.guests.config(vmid))
    return {**shown, **parent_json(call.node.snapshots.parent(vmid))}


def _check_read_only(values: dict[str, Any], deleted: list[str]) -> None:
    if "unprivileged" in values:
        raise Failed("unable to modify read-only option: 'unprivileged'")
    if "unprivileged" in deleted:
        raise Failed("unable to delete read-only option: 'unprivileged'")
    needed = {"memory", "rootfs", "ostype"} & set(deleted)
    if needed:
        raise Failed(f"unable to delete required option '{needed.pop()}'")


def _check_both(deleted: list[str], revert: list[str]) -> None:
    for name in deleted:
        if name in revert:
            text = f"you can't use '-delete {name}' and '-revert {name}' at the same time"
            raise BadParameters({"delete": text})


def _check_names(what: str, names: list[str], values: dict[str, Any]) -> None:
    for name in names:
        if options.option(name) is None:
            raise BadParameters({what: f"unknown option '{name}'"})
        if name in values:
            text = f"you can't use '-{name}' and -{what} {name}' at the same time"
            raise BadParameters({what: text})
