"""The node: its row, status and networks."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import psutil

from labnode.api.version import VERSION
from labnode.errors import Failed
from labnode.routes import Call, Node, Routes, anyone, perm
from labnode.schema import FLAG, VMID, required, text
from labnode.store import Document

routes = Routes()

IMAGINED_SYSTEM = 512 << 20  # memory in bytes used by a node without desktops


@routes.add("GET", "/nodes", anyone)
def list_nodes(call: Call) -> object:
    """List the nodes, with usage if the caller may see it; a node that is down has none."""
    rows = []
    for node in call.node.cluster:
        sees_usage = node.is_online and call.may(f"/nodes/{node.name}", "Sys.Audit")
        rows.append({**node_row(node), **(usage_row(node) if sees_usage else {})})
    return rows


@routes.add("GET", "/nodes/{node}", anyone)
def index(call: Call) -> object:
    """List the paths below the node."""
    return [{"name": name} for name in "lxc network qemu status storage tasks version".split()]


@routes.add("GET", "/nodes/{node}/version", anyone)
def version(call: Call) -> object:
    """The same as /version."""
    return VERSION


@routes.add("GET", "/nodes/{node}/status", perm("/nodes/{node}", "Sys.Audit"))
def status(call: Call) -> object:
    """Return processors, memory, load and file system usage of this machine."""
    memory, swap, kernel = psutil.virtual_memory(), psutil.swap_memory(), platform.uname()
    disk = psutil.disk_usage("/")
    return {
        "uptime": _uptime(),
        "cpu": psutil.cpu_percent() / 100,
        "wait": 0,
        "idle": 0,
        "loadavg": [f"{value:.2f}" for value in os.getloadavg()],
        "cpuinfo": _cpuinfo(),
        "memory": {
            "total": memory.total,
            "used": memory.total - memory.available,
            "free": memory.free,
            "available": memory.available,
        },
        "swap": {"total": swap.total, "used": swap.used, "free": swap.free},
        "rootfs": {
            "total": disk.total,
            "used": disk.used,
            "free": disk.total - disk.used,
            "avail": disk.free,
        },
        "ksm": {"shared": 0},
        "boot-info": {"mode": "efi" if Path("/sys/firmware/efi").exists() else "legacy-bios"},
        "kversion": f"{kernel.system} {kernel.release} {kernel.version}",
        "current-kernel": {
            "sysname": kernel.system,
            "release": kernel.release,
            "version": kernel.version,
            "machine": kernel.machine,
        },
        "pveversion": "pve-manager/9.1.2/winuxlab",
    }


@routes.add("GET", "/nodes/{node}/network", anyone, {"type": text()})
def list_networks(call: Call) -> object:
    """The bridge that containers are connected to."""
    wanted = call.params.get("type", "bridge")
    return [_bridge(call.node)] if "bridge" in wanted else []


@routes.add("GET", "/nodes/{node}/qemu", anyone, {"full": FLAG})
def list_machines(call: Call) -> object:
    """Return an empty list: this node has containers only."""
    return []


@routes.add(
    "GET",
    "/nodes/{node}/qemu/{vmid}/config",
    perm("/vms/{vmid}", "VM.Audit"),
    {"vmid": required(VMID)},
)
def machine_config(call: Call) -> object:
    """Refuse every vmid: there are no virtual machines."""
    name = f"nodes/{call.node.name}/qemu-server/{call.params['vmid']}.conf"
    raise Failed(f"Configuration file '{name}' does not exist")


def node_row(node: Node) -> Document:
    """Return the fields of a node that every user sees."""
    return {
        "id": f"node/{node.name}",
        "node": node.name,
        "type": "node",
        "status": "online" if node.is_online else "offline",
        "level": "",
        "ssl_fingerprint": node.fingerprint,
    }


def usage_row(node: Node) -> Document:
    """Return the additional fields that require Sys.Audit."""
    disk = psutil.disk_usage("/")
    used, total = _memory(node)
    return {
        "cpu": psutil.cpu_percent() / 100,
        "maxcpu": os.cpu_count() or 1,
        "mem": total if node.is_full else used,
        "maxmem": total,
        "disk": disk.used,
        "maxdisk": disk.total,
        "uptime": _uptime(),
    }


def _memory(node: Node) -> tuple[int, int]:
    """Return used and total memory in bytes, of the machine or of the imagined node."""
    if not node.memory_mb:
        memory = psutil.virtual_memory()
        return memory.total - memory.available, memory.total
    backend = node.backend
    used = sum(backend.usage(vmid).mem for vmid in node.guests.vmids() if backend.is_running(vmid))
    return min(used + IMAGINED_SYSTEM, node.memory_mb << 20), node.memory_mb << 20


def _bridge(node: Node) -> Document:
    return {
        "iface": node.bridge,
        "type": "bridge",
        "active": 1,
        "autostart": 1,
        "method": "static",
        "method6": "manual",
        "families": ["inet"],
        "address": str(node.gateway.ip),
        "netmask": str(node.gateway.network.prefixlen),
        "cidr": str(node.gateway),
        "bridge_ports": "",
        "bridge_stp": "off",
        "bridge_fd": "0",
        "priority": 3,
    }


def _uptime() -> int:
    return int(float(Path("/proc/uptime").read_text().split()[0]))


def _cpuinfo() -> Document:
    lines = Path("/proc/cpuinfo").read_text()
    facts = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", lines, re.MULTILINE))
    return {
        "cpus": os.cpu_count() or 1,
        "cores": psutil.cpu_count(logical=False) or 1,
        "sockets": 1,
        "model": facts.get("model name", "unknown"),
        "mhz": facts.get("cpu MHz", "0"),
        "flags": facts.get("flags", ""),
        "hvm": "",
        "user_hz": os.sysconf("SC_CLK_TCK"),
    }
