"""Containers: list, create, configure, clone, template, resize, delete."""

from __future__ import annotations

import re
from typing import Any

from labnode import options
from labnode.backend import BackendError, parse_config, parse_properties, parse_size_gb
from labnode.errors import ApiError, BadParameters, Failed, Forbidden
from labnode.guests import disk_bytes
from labnode.options import Config
from labnode.routes import Call, Node, Routes, anyone, both, either, perm
from labnode.schema import FLAG, VMID, Param, choice, required, split_list, text
from labnode.tasks import Log

routes = Routes()

GUEST = "/nodes/{node}/lxc/{vmid}"
VMID_PARAM = {"vmid": required(VMID)}
AUDIT = perm("/vms/{vmid}", "VM.Audit")
ALLOCATE = perm("/vms/{vmid}", "VM.Allocate")
CONFIGURE = perm(
    "/vms/{vmid}",
    *(f"VM.Config.{what}" for what in ("Disk", "CPU", "Memory", "Network", "Options")),
    any_of=True,
)
SUBDIRS = """config pending status vncproxy termproxy vncwebsocket spiceproxy migrate clone rrd
    rrddata firewall snapshot resize interfaces""".split()
PUBLIC_KEY = re.compile(r"(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/]+=*( .*)?")
NOT_STORED = """node vmid ostemplate storage password ssh-public-keys pool start force bwlimit
    unprivileged restore unique ha-managed ignore-unpack-errors template lock""".split()
PRIVILEGE_OF = {
    **dict.fromkeys(("cores", "cpuunits", "cpulimit"), "VM.Config.CPU"),
    **dict.fromkeys(("memory", "swap"), "VM.Config.Memory"),
    **dict.fromkeys(("hostname", "nameserver", "searchdomain", "net"), "VM.Config.Network"),
    **dict.fromkeys(("rootfs", "mp"), "VM.Config.Disk"),
}


@routes.add("GET", "/nodes/{node}/lxc", anyone)
def list_containers(call: Call) -> object:
    """The containers that the user may see."""
    guests = call.node.guests
    visible = (v for v in guests.vmids() if call.may(f"/vms/{v}", "VM.Audit"))
    return [guests.status(vmid, config) for vmid in visible if (config := guests.find(vmid))]


@routes.add("GET", GUEST, anyone, VMID_PARAM)
def index(call: Call) -> object:
    """What lies below a container."""
    call.node.guests.config(call.params["vmid"])
    return [{"subdir": name} for name in SUBDIRS]


@routes.add(
    "GET",
    f"{GUEST}/config",
    AUDIT,
    {**VMID_PARAM, "current": FLAG, "snapshot": text(format="pve-configid", max_length=40)},
)
def show_config(call: Call) -> object:
    """The configuration now (there are never pending changes), or in a snapshot."""
    if "snapshot" in call.params:
        from labnode.api.snapshots import snapshot_config

        return snapshot_config(call, call.params["snapshot"])
    return options.config_json(call.node.guests.config(call.params["vmid"]))


@routes.add("GET", f"{GUEST}/pending", AUDIT, VMID_PARAM)
def show_pending(call: Call) -> object:
    """The configuration as a list; changes are stored at once, so nothing is ever pending."""
    config = options.config_json(call.node.guests.config(call.params["vmid"]))
    return [{"key": key, "value": value} for key, value in config.items()]


@routes.add("PUT", f"{GUEST}/config", CONFIGURE, {**options.UPDATE, **VMID_PARAM})
def change_config(call: Call) -> object:
    """Set and delete options; network and size apply at the next start."""
    guests, params = call.node.guests, dict(call.params)
    vmid, expected = params.pop("vmid"), params.pop("digest", None)
    params.pop("node")
    revert = split_list(params.pop("revert", ""))
    if not params and not revert:
        raise Failed("no options specified")
    # A JSON null is stored as a blank and spoils the option, on a real node as here.
    params = {key: " " if value is None else value for key, value in params.items()}
    deleted = split_list(params.pop("delete", ""))
    with guests.file_lock(vmid):
        config = guests.check_lock(vmid)
        _check_digest(config, expected)
        for name in deleted:
            _check_privilege(call, name, vmid, None)
        _check_names("revert", revert, params)
        _check_names("delete", deleted, params)
        _check_options(call, vmid, None, params, config, config.get("unprivileged") == "1")
        _check_read_only(params, deleted)
        values = {key: options.config_value(key, value) for key, value in params.items()}
        guests.update(vmid, values, deleted)
        # Proxmox stores first and complains then: the change has been made.
        guests.check_bridge(values)
    return None


@routes.add("POST", "/nodes/{node}/lxc", anyone, options.CREATE)
def create(call: Call) -> object:
    """Make a container from a template archive, in the background."""
    node, params = call.node, call.params
    vmid, pool = params["vmid"], params.get("pool")
    if params.get("restore"):
        raise Failed("restoring backups is not supported by this node")
    is_unprivileged = bool(params.get("unprivileged", 1))
    if not is_unprivileged:
        call.check("/", "Sys.Modify")
    node.guests.check_unused(vmid)
    _check_keys(params.get("ssh-public-keys", ""))
    _check_pool(node, pool)
    if not call.may(f"/vms/{vmid}", "VM.Allocate") and not (
        pool and call.may(f"/pool/{pool}", "VM.Allocate")
    ):
        raise Forbidden
    config = {key: value for key, value in params.items() if key not in NOT_STORED}
    _check_options(call, vmid, pool, config, {}, is_unprivileged)
    archive = node.storages.template(params["ostemplate"])
    source = params["ostemplate"].partition(":")[0]
    call.check(f"/storage/{source}", "Datastore.AllocateSpace", "Datastore.Audit", any_of=True)
    storage, size = _disk_wish(config.get("rootfs"), params.get("storage", "local"))
    _check_rootdir(call, storage)
    if is_unprivileged:
        config["unprivileged"] = 1
    final = _first_config(vmid, config, _new_disk(storage, vmid, size))
    try:
        node.guests.reserve(vmid, {})
    except Failed as error:  # somebody was quicker
        raise Failed(f"unable to create CT {vmid} - {error.message}") from error

    def work(log: Log) -> None:
        try:
            if not archive.is_file():
                missing = f"volume '{params['ostemplate']}' does not exist"
                log(missing)
                raise BackendError(missing)
            log(f"extracting archive '{archive}'")
            node.backend.create(vmid, archive, parse_config(vmid, final))
            log.check()
            log(f"Total bytes read: {archive.stat().st_size}")
            log(f"Detected container architecture: {final['arch']}")
            node.guests.replace(vmid, final)
        except (BackendError, OSError) as error:
            _roll_back(node, vmid)
            raise BackendError(f"unable to create CT {vmid} - {error}") from error
        add_to_pool(node, vmid, pool)
        if params.get("start"):
            call.spawn("vzstart", vmid, lambda _: node.guests.start(vmid))

    return call.spawn("vzcreate", vmid, work)


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
    """Copy a container, or lay a linked clone over a template, in the background."""
    node, params = call.node, call.params
    vmid, newid, pool = params["vmid"], params["newid"], params.get("pool")
    _check_pool(node, pool)
    if params.get("target", node.name) not in (node.name, "localhost"):
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
        try:
            if node.guests.is_running(vmid) != was_running:
                raise BackendError("unexpected state change")
            kind, thing = ("full", "mountpoint") if is_full else ("linked", "mount point")
            log(f"create {kind} clone of {thing} rootfs ({volume})")
            # Of a container that is no template, "linked" is a copy as well: nothing is shared.
            copies = is_full or source.get("template") != "1"
            node.backend.clone(origin, newid, full=copies)
            log.check()
        except (BackendError, OSError) as error:
            _roll_back(node, newid)
            raise BackendError(f"clone failed: {error}") from error
        finally:
            node.guests.unlock(vmid)
        add_to_pool(node, newid, pool)
        node.guests.replace(newid, final)

    return call.spawn("vzclone", vmid, work)


@routes.add("POST", f"{GUEST}/template", ALLOCATE, VMID_PARAM)
def make_template(call: Call) -> object:
    """Turn a stopped container into a template, at once."""
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

        # A task that the answer does not name, and waits for.
        upid = call.spawn("vztemplate", vmid, work)
        call.node.tasks.wait(upid, None)
        ended = call.node.tasks.find(upid)
        if ended and ended["exitstatus"] != "OK":
            raise Failed(ended["exitstatus"])
    return None


@routes.add(
    "DELETE",
    GUEST,
    ALLOCATE,
    {**VMID_PARAM, **dict.fromkeys(("force", "purge", "destroy-unreferenced-disks"), FLAG)},
)
def destroy(call: Call) -> object:
    """Remove a stopped (or with `force` any) container, in the background."""
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
    """Grow a disk; here the size is a number that is shown, the file system has no limit."""
    guests, vmid, disk = call.node.guests, call.params["vmid"], call.params["disk"]
    config = guests.check_lock(vmid)
    call.check(f"/vms/{vmid}", "VM.Config.Options")
    _check_digest(config, call.params.get("digest"))
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
    """What can be done with the container's storage."""
    config = call.node.guests.config(call.params["vmid"])
    storage = config.get("rootfs", "local-lab:").partition(":")[0]
    can_clone = call.node.storages.can_clone(storage)
    return {"hasFeature": int(call.params["feature"] == "copy" or can_clone)}


# -- checks and conversions


def add_to_pool(node: Node, vmid: int, pool: str | None) -> None:
    """Make a new container a member of its pool."""
    if pool:
        entry = node.access.pools.get(pool) or {"vms": []}
        node.access.put_pool(pool, {**entry, "vms": sorted({*entry["vms"], vmid})})


def _check_options(
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
            _check_privilege(call, key, vmid, pool)
            _check_resource(call, key, config.get(key, ""))
            _check_resource(call, key, str(wanted[key]))


def _changed(new: str, old: str) -> set[str]:
    """The names of features that differ."""
    return {key for key, _ in parse_properties(new).items() ^ parse_properties(old).items()}


def _check_privilege(call: Call, key: str, vmid: int, pool: str | None) -> None:
    name = PRIVILEGE_OF.get(key) or PRIVILEGE_OF.get(key.rstrip("0123456789"))
    # Tags are looked at on the guest alone: with rights on a pool only, no container with tags.
    where = None if key == "tags" else pool
    call.node.access.check_guest(call.user, vmid, where, name or "VM.Config.Options")


def _check_resource(call: Call, key: str, value: str) -> None:
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


def _check_pool(node: Node, pool: str | None) -> None:
    if pool and pool not in node.access.pools:
        raise Forbidden(f"pool '{pool}' does not exist")


def _check_keys(keys: str) -> None:
    lines = [line for line in keys.splitlines() if line.strip() and not line.startswith("#")]
    if any(not PUBLIC_KEY.fullmatch(line.strip()) for line in lines):
        raise Failed("SSH public key validation error")


def _check_rootdir(call: Call, storage: str) -> None:
    if not call.node.storages.holds(storage, "rootdir"):
        text = f"storage '{storage}' does not support container directories"
        raise BadParameters({"storage": text})
    call.check(f"/storage/{storage}", "Datastore.AllocateSpace")


def _check_digest(config: Config, expected: str | None) -> None:
    if expected and expected != options.digest(config):
        raise Failed("detected modified configuration - file changed by other user? Try again.")


def _check_read_only(values: dict[str, Any], deleted: list[str]) -> None:
    if "unprivileged" in values:
        raise Failed("unable to modify read-only option: 'unprivileged'")
    if "unprivileged" in deleted:
        raise Failed("unable to delete read-only option: 'unprivileged'")
    needed = {"memory", "rootfs", "ostype"} & set(deleted)
    if needed:
        raise Failed(f"unable to delete required option '{needed.pop()}'")


def _check_names(what: str, names: list[str], values: dict[str, Any]) -> None:
    for name in names:
        if options.option(name) is None:
            raise BadParameters({what: f"unknown option '{name}'"})
        if name in values:
            text = f"you can't use '-{name}' and -{what} {name}' at the same time"
            raise BadParameters({what: text})


def _disk_wish(rootfs: object, default_storage: str) -> tuple[str, float]:
    """Storage and size in GiB of `storage:size`, `size` or nothing."""
    volume = parse_properties(str(rootfs or ""), "volume").get("volume", "4")
    storage, _, size = volume.rpartition(":")
    if not re.fullmatch(r"\d+(\.\d+)?", size):
        raise Failed(f"unable to create volume '{volume}': a size in GiB is needed")
    return storage or default_storage, float(size)


def _new_disk(storage: str, vmid: int, size_gb: float) -> str:
    """The volume of a new root file system; size 0 asks for a subvolume without a limit."""
    if size_gb == 0:
        return f"{storage}:{vmid}/subvol-{vmid}-disk-0.subvol,size=0T"
    size = f"{size_gb:g}G" if size_gb >= 1 else f"{size_gb * 1024:g}M"
    return f"{storage}:{vmid}/vm-{vmid}-disk-0.raw,size={size}"


def _first_config(vmid: int, wanted: dict[str, Any], rootfs: str) -> Config:
    stored = {key: options.config_value(key, value) for key, value in wanted.items()}
    defaults = {"arch": "amd64", "ostype": "debian", "memory": "512", "swap": "512"}
    return {**defaults, "hostname": f"CT{vmid}", **stored, "rootfs": rootfs}


def _cloned_config(call: Call, source: Config) -> tuple[Config, bool]:
    """The configuration of a clone, and whether it is a full one."""
    node, params = call.node, call.params
    vmid, newid = params["vmid"], params["newid"]
    is_full = bool(params.get("full", source.get("template") != "1"))
    if "storage" in params and not is_full:
        raise Failed("parameter 'storage' not allowed for linked clones")
    if "snapname" in params:
        source = node.snapshots.get(vmid, params["snapname"])["config"]
    config = {k: v for k, v in source.items() if k not in ("lock", "template")}
    for key in sorted(config):
        if key == "rootfs":
            parts = parse_properties(config[key], "volume")
            origin = parts["volume"].partition(":")[0]
            storage = params.get("storage", origin)
            _check_rootdir(call, storage)
            _check_clone(node, vmid, parts["volume"], is_full, "snapname" in params)
            config[key] = f"{storage}:{newid}/vm-{newid}-disk-0.raw,size={parts['size']}"
        elif re.fullmatch(r"net\d+", key):
            config[key] = options.network_value(config[key], new_address=True)
            _check_resource(call, key, config[key])
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


def _roll_back(node: Node, vmid: int) -> None:
    """Remove what a failed create or clone has left."""
    node.backend.destroy(vmid)
    node.guests.forget(vmid)
