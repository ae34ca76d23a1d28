"""Preconditions of creating or changing a container: privileges, pools, storages, digests."""

from __future__ import annotations

import re
from typing import Any

from labnode import options
from labnode.backend import parse_properties
from labnode.errors import BadParameters, Failed, Forbidden
from labnode.options import Config
from labnode.routes import Call, Node, perm
from labnode.schema import VMID, required

GUEST = "/nodes/{node}/lxc/{vmid}"
VMID_PARAM = {"vmid": required(VMID)}
AUDIT = perm("/vms/{vmid}", "VM.Audit")
ALLOCATE = perm("/vms/{vmid}", "VM.Allocate")
PRIVILEGE_OF = {
    **dict.fromkeys(("cores", "cpuunits", "cpulimit"), "VM.Config.CPU"),
    **dict.fromkeys(("memory", "swap"), "VM.Config.Memory"),
    **dict.fromkeys(("hostname", "nameserver", "searchdomain", "net"), "VM.Config.Network"),
    **dict.fromkeys(("rootfs", "mp"), "VM.Config.Disk"),
}


def check_options(
    call: Call,
    vmid: int,
    pool: str | None,
    wanted: dict[str, Any],
    config: Config,
    is_unprivileged: bool,
) -> None:
    """Refuse options that the user may not set (Proxmox: check_ct_modify_config_perm)."""
    if call.user == "root@pam":
        return
    for key in sorted(wanted):
        if key == "features":
            changed = _changed(str(wanted[key]), config.get("features", ""))
            _check_features(call, vmid, pool, changed, is_unprivileged)
        elif key.startswith("dev"):
            raise Forbidden("configuring device passthrough is only allowed for root@pam")
        elif key == "hookscript":
            raise Forbidden("changing the hookscript is only allowed for root@pam")
        else:
            check_privilege(call, key, vmid, pool)
            check_resource(call, key, config.get(key, ""))
            check_resource(call, key, str(wanted[key]))


def _changed(new: str, old: str) -> set[str]:
    """Return the names of features that differ."""
    return {key for key, _ in parse_properties(new).items() ^ parse_properties(old).items()}


def check_privilege(call: Call, key: str, vmid: int, pool: str | None) -> None:
    name = PRIVILEGE_OF.get(key) or PRIVILEGE_OF.get(key.rstrip("0123456789"))
    # Tags are checked on the guest itself: rights on a pool do not allow a container with tags.
    where = None if key == "tags" else pool
    call.node.access.check_guest(call.user, vmid, where, name or "VM.Config.Options")


def check_resource(call: Call, key: str, value: str) -> None:
    if key == "rootfs" or re.fullmatch(r"mp\d+", key):
        volume = parse_properties(value, "volume").get("volume", "")
        if volume.startswith("/"):
            kind = "device" if volume.startswith("/dev/") else "bind"
            raise Forbidden(f"mount point type {kind} is only allowed for root@pam")
        new_disk = re.fullmatch(r"([^:\s]+):\d+(\.\d+)?", volume)
        if new_disk:
            call.check(f"/storage/{new_disk[1]}", "Datastore.AllocateSpace")
    bridge = parse_properties(value).get("bridge") if re.fullmatch(r"net\d+", key) else None
    if bridge:
        call.check(f"/sdn/zones/localnetwork/{bridge}", "SDN.Use")


def _check_features(
    call: Call, vmid: int, pool: str | None, changed: set[str], is_unprivileged: bool
) -> None:
    subject = "changing feature flags"
    if not is_unprivileged:
        raise Forbidden(f"{subject} for privileged container is only allowed for root@pam")
    if changed - {"nesting"}:
        raise Forbidden(f"{subject} (except nesting) is only allowed for root@pam")
    if changed:
        call.node.access.check_guest(call.user, vmid, pool, "VM.Allocate")


def check_pool(node: Node, pool: str | None) -> None:
    if pool and pool not in node.access.pools:
        raise Forbidden(f"pool '{pool}' does not exist")


def check_rootdir(call: Call, storage: str) -> None:
    if not call.node.storages.holds(storage, "rootdir"):
        text = f"storage '{storage}' does not support container directories"
        raise BadParameters({"storage": text})
    call.check(f"/storage/{storage}", "Datastore.AllocateSpace")


def check_digest(config: Config, expected: str | None) -> None:
    if expected and expected != options.digest(config):
        raise Failed("detected modified configuration - file changed by other user? Try again.")
