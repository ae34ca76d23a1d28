"""Containers: list, create, destroy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from labnode import options
from labnode.api.lxc_rules import (
    ALLOCATE,
    GUEST,
    VMID_PARAM,
    check_options,
    check_pool,
    check_rootdir,
)
from labnode.backend import BackendError, parse_config, parse_properties
from labnode.errors import Failed, Forbidden
from labnode.options import Config
from labnode.routes import Call, Node, Routes, anyone
from labnode.schema import FLAG
from labnode.tasks import Died, Log, Work

routes = Routes()

SUBDIRS = """config pending status vncproxy termproxy vncwebsocket spiceproxy migrate clone rrd
    rrddata firewall snapshot resize interfaces""".split()
PUBLIC_KEY = re.compile(r"(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/]+=*( .*)?")
NOT_STORED = """node vmid ostemplate storage password ssh-public-keys pool start force bwlimit
    unprivileged restore unique ha-managed ignore-unpack-errors template lock""".split()


@routes.add("GET", "/nodes/{node}/lxc", anyone)
def list_containers(call: Call) -> object:
    """The containers that the user may see."""
    guests = call.node.guests
    visible = (v for v in guests.vmids() if call.may(f"/vms/{v}", "VM.Audit"))
    return [guests.status(vmid, config) for vmid in visible if (config := guests.find(vmid))]


@routes.add("GET", GUEST, anyone, VMID_PARAM)
def index(call: Call) -> object:
    """List the paths below a container."""
    call.node.guests.config(call.params["vmid"])
    return [{"subdir": name} for name in SUBDIRS]


@routes.add("POST", "/nodes/{node}/lxc", anyone, options.CREATE)
def create(call: Call) -> object:
    """Create a container from a template archive, in the background."""
    node, params = call.node, call.params
    vmid, pool = params["vmid"], params.get("pool")
    if params.get("restore"):
        raise Failed("restoring backups is not supported by this node")
    is_unprivileged = bool(params.get("unprivileged", 1))
    if not is_unprivileged:
        call.check("/", "Sys.Modify")
    node.guests.check_unused(vmid)
    _check_keys(params.get("ssh-public-keys", ""))
    check_pool(node, pool)
    if not call.may(f"/vms/{vmid}", "VM.Allocate") and not (
        pool and call.may(f"/pool/{pool}", "VM.Allocate")
    ):
        raise Forbidden
    config = {key: value for key, value in params.items() if key not in NOT_STORED}
    check_options(call, vmid, pool, config, {}, is_unprivileged)
    archive = node.storages.template(params["ostemplate"])
    source = params["ostemplate"].partition(":")[0]
    call.check(f"/storage/{source}", "Datastore.AllocateSpace", "Datastore.Audit", any_of=True)
    if "rootfs" not in config and any(re.fullmatch(r"mp\d+", key) for key in config):
        raise Failed("mount points configured, but 'rootfs' not set - aborting")
    storage, size = _disk_wish(config.get("rootfs"), params.get("storage", "local"))
    check_rootdir(call, storage)
    if is_unprivileged:
        config["unprivileged"] = 1
    final = _first_config(vmid, config, _new_disk(storage, vmid, size))
    try:
        node.guests.reserve(vmid, {})
    except Failed as error:  # another request took the vmid first
        raise Failed(f"unable to create CT {vmid} - {error.message}") from error
    return call.spawn("vzcreate", vmid, _creation(call, archive, final))


def _creation(call: Call, archive: Path, final: Config) -> Work:
    """Task: unpack the archive of a new container, then make its configuration visible."""
    node, vmid, volume = call.node, call.params["vmid"], call.params["ostemplate"]

    def work(log: Log) -> None:
        try:
            if not archive.is_file():
                log(f"volume '{volume}' does not exist")
                raise BackendError(f"volume '{volume}' does not exist")
            log(f"extracting archive '{archive}'")
            node.backend.create(vmid, archive, parse_config(vmid, final))
            if log.is_interrupted or (call.fault and call.fault.leaves_locks):
                raise Died
            log.check()
            log(f"Total bytes read: {archive.stat().st_size}")
            log(f"Detected container architecture: {final['arch']}")
            node.guests.replace(vmid, final)
        except Died:  # the container stays locked, as on a real node
            raise
        except (BackendError, OSError) as error:
            roll_back(node, vmid)
            raise BackendError(f"unable to create CT {vmid} - {error}") from error
        add_to_pool(node, vmid, call.params.get("pool"))
        if call.params.get("start"):
            call.spawn("vzstart", vmid, lambda _: node.guests.start(vmid))

    return work


@routes.add(
    "DELETE",
    GUEST,
    ALLOCATE,
    {**VMID_PARAM, **dict.fromkeys(("force", "purge", "destroy-unreferenced-disks"), FLAG)},
)
def destroy(call: Call) -> object:
    """Remove a stopped container, or any container with `force`, in the background."""
    node, vmid, force = call.node, call.params["vmid"], call.params.get("force")
    refusal = f"unable to destroy CT {vmid} - container is running"

    def check() -> None:
        config = node.guests.config(vmid)
        if config.get("protection") == "1":
            raise Failed(f"can't remove CT {vmid} - protection mode enabled")
        node.guests.check_lock(vmid)
        if not force and node.guests.is_running(vmid):
            raise Failed(refusal)

    def work(log: Log) -> None:
        with node.guests.file_lock(vmid, log):
            check()
            if node.guests.is_running(vmid):
                log(f"forced to stop CT {vmid} before destroying!")
                node.backend.stop(vmid)
            node.guests.lock(vmid, "destroyed")
            node.snapshots.forget(vmid)
            node.backend.destroy(vmid)
            if call.params.get("purge"):
                log(f"purging CT {vmid} from related configurations..")
            node.guests.forget(vmid)

    check()
    return call.spawn("vzdestroy", vmid, work)


def add_to_pool(node: Node, vmid: int, pool: str | None) -> None:
    """Make a new container a member of its pool."""
    if pool:
        entry = node.access.pools.get(pool) or {"vms": []}
        node.access.put_pool(pool, {**entry, "vms": sorted({*entry["vms"], vmid})})


def roll_back(node: Node, vmid: int) -> None:
    """Remove what a failed create or clone has left behind."""
    node.backend.destroy(vmid)
    node.guests.forget(vmid)


def _check_keys(keys: str) -> None:
    lines = [line for line in keys.splitlines() if line.strip() and not line.startswith("#")]
    if any(not PUBLIC_KEY.fullmatch(line.strip()) for line in lines):
        raise Failed("SSH public key validation error")


def _disk_wish(rootfs: object, default_storage: str) -> tuple[str, float]:
    """Parse `storage:size`, `size` or nothing into a storage and a size in GiB."""
    volume = parse_properties(str(rootfs or ""), "volume").get("volume", "4")
    storage, _, size = volume.rpartition(":")
    if not re.fullmatch(r"\d+(\.\d+)?", size):
        raise Failed(f"unable to create volume '{volume}': a size in GiB is needed")
    return storage or default_storage, float(size)


def _new_disk(storage: str, vmid: int, size_gb: float) -> str:
    """Return the volume of a new root file system; size 0 requests a subvolume without a limit."""
    if size_gb == 0:
        return f"{storage}:{vmid}/subvol-{vmid}-disk-0.subvol,size=0T"
    size = f"{size_gb:g}G" if size_gb >= 1 else f"{size_gb * 1024:g}M"
    return f"{storage}:{vmid}/vm-{vmid}-disk-0.raw,size={size}"


def _first_config(vmid: int, wanted: dict[str, Any], rootfs: str) -> Config:
    stored = {key: options.config_value(key, value) for key, value in wanted.items()}
    defaults = {"arch": "amd64", "ostype": "debian", "memory": "512", "swap": "512"}
    return {**defaults, "hostname": f"CT{vmid}", **stored, "rootfs": rootfs}
