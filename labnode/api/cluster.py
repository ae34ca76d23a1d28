"""The cluster, of one node or several imagined ones: resources, status, next free vmid."""

from __future__ import annotations

from labnode.api.nodes import node_row, usage_row
from labnode.api.version import VERSION
from labnode.errors import BadParameters
from labnode.options import Config
from labnode.routes import Call, Node, Routes, anyone, perm
from labnode.schema import VMID, choice
from labnode.store import Document

routes = Routes()

FIRST_VMID, LAST_VMID = 100, 999999999


@routes.add("GET", "/", anyone)
def index(call: Call) -> object:
    """List the top-level paths."""
    return [{"subdir": name} for name in "version cluster nodes storage access pools".split()]


@routes.add("GET", "/version", anyone)
def version(call: Call) -> object:
    """Return the version of Proxmox VE that this API follows."""
    return VERSION


@routes.add("GET", "/cluster/nextid", anyone, {"vmid": VMID})
def next_id(call: Call) -> object:
    """A free vmid, as a string and without reserving it."""
    guests, asked = call.node.guests, call.params.get("vmid")
    if asked is None:
        taken = guests.taken()
        return str(next(v for v in range(FIRST_VMID, LAST_VMID) if v not in taken))
    if asked in guests.taken():
        raise BadParameters({"vmid": f"VM {asked} already exists"})
    return str(asked)


@routes.add("GET", "/cluster/status", perm("/", "Sys.Audit"))
def status(call: Call) -> object:
    """The nodes of the cluster."""
    nodes = call.node.cluster
    rows: list[Document] = [
        {
            "id": f"node/{node.name}",
            "name": node.name,
            "ip": str(node.gateway.ip),
            "type": "node",
            "level": "",
            "local": int(node is call.node),
            "nodeid": number if len(nodes) > 1 else 0,
            "online": int(node.is_online),
        }
        for number, node in enumerate(nodes, 1)
    ]
    if len(nodes) == 1:
        return rows
    online = [node for node in nodes if node.is_online]
    cluster = {"type": "cluster", "id": "cluster", "name": "lab", "version": 1}
    quorate = int(2 * len(online) > len(nodes))
    return [{**cluster, "nodes": len(nodes), "quorate": quorate}, *rows]


@routes.add("GET", "/cluster/resources", anyone, {"type": choice("vm", "storage", "node", "sdn")})
def resources(call: Call) -> object:
    """Everything the user may see; containers as the statistics show them."""
    kind = call.params.get("type")
    rows: list[Document] = []
    if kind is None:
        rows += _pools(call)
    if kind in (None, "vm"):
        rows += [row for node in call.node.cluster for row in _containers(call, node)]
    if kind in (None, "node"):
        rows += [{**_node(call, node), "cgroup-mode": 1} for node in call.node.cluster]
    if kind in (None, "storage"):
        rows += [row for node in call.node.cluster for row in _storages(call, node)]
    if kind in (None, "sdn"):
        rows += [row for node in call.node.cluster for row in _zone(call, node)]
    return rows


def _pools(call: Call) -> list[Document]:
    visible = (name for name in call.node.access.pools if call.may(f"/pool/{name}", "Pool.Audit"))
    return [{"id": f"/pool/{name}", "pool": name, "type": "pool"} for name in visible]


def _containers(call: Call, node: Node) -> list[Document]:
    """List the containers of a node; if the node is down, their state is `unknown`."""
    guests, rows = node.guests, []
    pools = {vmid: name for name, pool in node.access.pools.items() for vmid in pool["vms"]}
    for vmid in guests.vmids():
        config = guests.find(vmid) if call.may(f"/vms/{vmid}", "VM.Audit") else None
        if config is not None:
            pool = {"pool": pools[vmid]} if vmid in pools else {}
            shown = node.statistics.row(vmid, config)
            row = shown if node.is_online else _unknown(node, vmid, config)
            marks: Document = {key: config[key] for key in ("lock", "tags") if key in config}
            rows.append({**row, **marks, **pool})
    return rows


def _unknown(node: Node, vmid: int, config: Config) -> Document:
    names = {"id": f"lxc/{vmid}", "node": node.name, "type": "lxc", "vmid": vmid}
    return {**names, "status": "unknown", "template": int(config.get("template", 0))}


def _node(call: Call, node: Node) -> Document:
    row = node_row(node)
    row.pop("ssl_fingerprint")
    sees_usage = node.is_online and call.may(f"/nodes/{node.name}", "Sys.Audit")
    return {**row, **(usage_row(node) if sees_usage else {})}


def _storages(call: Call, node: Node) -> list[Document]:
    rows = []
    for name in node.storages.names():
        if call.may(f"/storage/{name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True):
            facts = node.storages.status(name, is_full=node.is_full)
            rows.append(
                {
                    "id": f"storage/{node.name}/{name}",
                    "type": "storage",
                    "storage": name,
                    "node": node.name,
                    "content": facts["content"],
                    "plugintype": facts["type"],
                    "shared": 0,
                    "status": "available" if node.is_online else "unknown",
                    "disk": facts["used"],
                    "maxdisk": facts["total"],
                }
            )
    return rows


def _zone(call: Call, node: Node) -> list[Document]:
    if not call.may("/sdn/zones/localnetwork", "SDN.Audit"):
        return []
    name = f"network/{node.name}/zone/localnetwork"
    row = {"id": name, "network": "localnetwork", "network-type": "zone", "type": "network"}
    return [{**row, "node": node.name, "status": "ok" if node.is_online else "unknown"}]
