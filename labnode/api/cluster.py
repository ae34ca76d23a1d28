"""The cluster, which here is one node: resources, status, next free vmid."""

from __future__ import annotations

from labnode.api.nodes import node_row, usage_row
from labnode.errors import BadParameters
from labnode.routes import Call, Routes, anyone, perm
from labnode.schema import VMID, choice
from labnode.store import Document

routes = Routes()

VERSION = {"version": "9.1.2", "release": "9.1", "repoid": "winuxlab"}
FIRST_VMID, LAST_VMID = 100, 999999999


@routes.add("GET", "/", anyone)
def index(call: Call) -> object:
    """What lies at the top."""
    return [{"subdir": name} for name in "version cluster nodes storage access pools".split()]


@routes.add("GET", "/version", anyone)
def version(call: Call) -> object:
    """The version of Proxmox VE whose API this follows."""
    return VERSION


@routes.add("GET", "/cluster/nextid", anyone, {"vmid": VMID})
def next_id(call: Call) -> object:
    """A free vmid, as a string and without reserving it."""
    guests, asked = call.node.guests, call.params.get("vmid")
    if asked is None:
        taken = set(guests.vmids())
        return str(next(v for v in range(FIRST_VMID, LAST_VMID) if v not in taken))
    if guests.exists(asked):
        raise BadParameters({"vmid": f"VM {asked} already exists"})
    return str(asked)


@routes.add("GET", "/cluster/status", perm("/", "Sys.Audit"))
def status(call: Call) -> object:
    """The nodes of the cluster."""
    row = {"id": f"node/{call.node.name}", "name": call.node.name, "ip": str(call.node.gateway.ip)}
    return [{**row, "type": "node", "level": "", "local": 1, "nodeid": 0, "online": 1}]


@routes.add("GET", "/cluster/resources", anyone, {"type": choice("vm", "storage", "node", "sdn")})
def resources(call: Call) -> object:
    """Everything the user may see; containers as they are now, without Proxmox's lag."""
    kind = call.params.get("type")
    rows: list[Document] = []
    if kind is None:
        rows += _pools(call)
    if kind in (None, "vm"):
        rows += _containers(call)
    if kind in (None, "node"):
        rows.append({**_node(call), "cgroup-mode": 1})
    if kind in (None, "storage"):
        rows += _storages(call)
    if kind in (None, "sdn"):
        rows += _zone(call)
    return rows


def _pools(call: Call) -> list[Document]:
    visible = (name for name in call.node.access.pools if call.may(f"/pool/{name}", "Pool.Audit"))
    return [{"id": f"/pool/{name}", "pool": name, "type": "pool"} for name in visible]


def _containers(call: Call) -> list[Document]:
    guests, rows = call.node.guests, []
    pools = {vmid: name for name, pool in call.node.access.pools.items() for vmid in pool["vms"]}
    for vmid in guests.vmids():
        config = guests.find(vmid) if call.may(f"/vms/{vmid}", "VM.Audit") else None
        if config is not None:
            pool = {"pool": pools[vmid]} if vmid in pools else {}
            rows.append({**guests.resource(vmid, config), **pool})
    return rows


def _node(call: Call) -> Document:
    row = node_row(call.node)
    row.pop("ssl_fingerprint")
    return {**row, **(usage_row(call.node) if _audits_node(call) else {})}


def _audits_node(call: Call) -> bool:
    return call.may(f"/nodes/{call.node.name}", "Sys.Audit")


def _storages(call: Call) -> list[Document]:
    rows = []
    for name in call.node.storages.names():
        if call.may(f"/storage/{name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True):
            facts = call.node.storages.status(name)
            rows.append(
                {
                    "id": f"storage/{call.node.name}/{name}",
                    "type": "storage",
                    "storage": name,
                    "node": call.node.name,
                    "content": facts["content"],
                    "plugintype": facts["type"],
                    "shared": 0,
                    "status": "available",
                    "disk": facts["used"],
                    "maxdisk": facts["total"],
                }
            )
    return rows


def _zone(call: Call) -> list[Document]:
    if not call.may("/sdn/zones/localnetwork", "SDN.Audit"):
        return []
    name = f"network/{call.node.name}/zone/localnetwork"
    row = {"id": name, "network": "localnetwork", "network-type": "zone", "type": "network"}
    return [{**row, "node": call.node.name, "status": "ok"}]
