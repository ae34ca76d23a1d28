"""Pools: named groups of containers that share permissions."""

from __future__ import annotations

from labnode.errors import Failed
from labnode.routes import Call, Routes, anyone, perm
from labnode.schema import FLAG, choice, required, split_list, text
from labnode.store import Document

routes = Routes()

POOL_ID = {"poolid": required(text(format="pve-poolid"))}
TYPE = choice("qemu", "lxc", "storage")
ALLOCATE = perm("/pool/{poolid}", "Pool.Allocate")
CHANGES = {
    **POOL_ID,
    "allow-move": FLAG,
    "comment": text(),
    "delete": FLAG,
    "storage": text(format="pve-storage-id-list"),
    "vms": text(format="pve-vmid-list"),
}


@routes.add("GET", "/pools", anyone, {"poolid": text(format="pve-poolid"), "type": TYPE})
def list_pools(call: Call) -> object:
    """The pools that the user may see, or one of them with its members."""
    name = call.params.get("poolid")
    if name is not None:
        call.check(f"/pool/{name}", "Pool.Audit")
        return [{"poolid": name, **_details(call, name)}]
    pools = call.node.access.pools
    visible = ((n, p) for n, p in pools.items() if call.may(f"/pool/{n}", "Pool.Audit"))
    return [{"poolid": n, **_comment(p)} for n, p in visible]


@routes.add(
    "GET", "/pools/{poolid}", perm("/pool/{poolid}", "Pool.Audit"), {**POOL_ID, "type": TYPE}
)
def show_pool(call: Call) -> object:
    """A pool and its members."""
    return {"poolid": call.params["poolid"], **_details(call, call.params["poolid"])}


@routes.add("POST", "/pools", ALLOCATE, {**POOL_ID, "comment": text()})
def create_pool(call: Call) -> object:
    """Add a pool."""
    pools, name = call.node.access.pools, call.params["poolid"]
    if name in pools:
        raise Failed(f"create pool failed: pool '{name}' already exists")
    parent, nested, leaf = name.rpartition("/")
    if nested and parent not in pools:
        text = f"parent '{parent}' of pool '{name}' does not exist"
        raise Failed(f"create pool failed: {text}")
    if not leaf[0].isalpha():
        raise Failed("create pool failed: pool name must start with a letter")
    call.node.access.put_pool(name, {"vms": [], "comment": call.params.get("comment")})
    return None


@routes.add("PUT", "/pools", ALLOCATE, CHANGES)
@routes.add("PUT", "/pools/{poolid}", ALLOCATE, CHANGES)
def change_pool(call: Call) -> object:
    """Add or remove members, or change the comment. Unknown vmids are accepted, too."""
    params = call.params
    name = params["poolid"]
    pool = dict(_pool(call, name, "update pools failed: "))
    if "comment" in params:
        pool["comment"] = params["comment"]
    for vmid in map(int, split_list(params.get("vms"))):
        call.check(f"/vms/{vmid}", "Permissions.Modify", "VM.Allocate", any_of=True)
        pool["vms"] = _changed_members(call, name, pool["vms"], vmid)
    call.node.access.put_pool(name, pool)
    return None


@routes.add("DELETE", "/pools", ALLOCATE, POOL_ID)
@routes.add("DELETE", "/pools/{poolid}", ALLOCATE, POOL_ID)
def delete_pool(call: Call) -> object:
    """Remove an empty pool."""
    name = call.params["poolid"]
    members = _pool(call, name, "delete pool failed: ")["vms"]
    if members:
        raise Failed(f"delete pool failed: pool '{name}' is not empty (contains VM {members[0]})")
    call.node.access.put_pool(name, None)
    return None


def _changed_members(call: Call, name: str, members: list[int], vmid: int) -> list[int]:
    access = call.node.access
    if call.params.get("delete"):
        if vmid not in members:
            raise Failed(f"update pools failed: VM {vmid} is not a pool member")
        return [member for member in members if member != vmid]
    other = access.pool_of(vmid)
    if other == name or vmid in members:
        raise Failed(f"update pools failed: VM {vmid} is already a pool member")
    if other and not call.params.get("allow-move"):
        text = f"VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set"
        raise Failed(f"update pools failed: {text}")
    if other:
        call.check(f"/pool/{other}", "Pool.Allocate")
        entry = access.pools.get(other) or {}
        access.put_pool(other, {**entry, "vms": [v for v in entry["vms"] if v != vmid]})
    return sorted([*members, vmid])


def _pool(call: Call, name: str, doing: str = "") -> Document:
    pool = call.node.access.pools.get(name)
    if pool is None:
        raise Failed(f"{doing}pool '{name}' does not exist")
    return pool


def _details(call: Call, name: str) -> Document:
    pool = _pool(call, name)
    members = [
        node.statistics.row(vmid, config)
        for vmid in pool["vms"]
        for node in call.node.cluster
        if (config := node.guests.find(vmid))
    ]
    if call.params.get("type", "lxc") != "lxc":
        members = []
    return {**_comment(pool), "members": members}


def _comment(pool: Document) -> Document:
    return {"comment": pool["comment"]} if pool.get("comment") else {}
