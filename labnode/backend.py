"""The interface between API layer and containers: the Backend protocol and its value types.

The API layer owns configuration, locks, tasks, permissions and storage content; a backend owns
processes, file systems and networks. `labnode.containers` runs real containers,
`labnode.memory` keeps states only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class BackendError(Exception):
    """A container could not be changed; the message goes to the task's log and exit status."""


@dataclass(frozen=True)
class Net:
    """One `netN` of a Proxmox container configuration; missing parts are empty strings."""

    name: str
    bridge: str = ""
    hwaddr: str = ""
    ip: str = ""  # CIDR, "dhcp", "manual" or ""
    gw: str = ""


@dataclass(frozen=True)
class ContainerConfig:
    """The part of a Proxmox container configuration that a backend applies."""

    hostname: str
    memory_mb: int = 512
    swap_mb: int = 512
    cores: int = 0  # 0: no limit
    net0: Net | None = None
    unprivileged: bool = True
    nesting: bool = False
    disk_gb: float = 4.0


@dataclass(frozen=True)
class Usage:
    """Resource usage of a container in bytes; `cpu` is the share of its cores (1.0: all busy)."""

    pid: int = 0
    uptime_s: int = 0
    cpu: float = 0.0
    mem: int = 0
    maxmem: int = 0
    disk: int = 0
    netin: int = 0
    netout: int = 0


@dataclass(frozen=True)
class Interface:
    """One network interface inside a running container; `inet` and `inet6` are CIDRs or empty."""

    name: str
    hwaddr: str
    inet: str = ""
    inet6: str = ""


class Backend(Protocol):
    """An implementation of containers. Methods raise BackendError and may block."""

    def prepare(self) -> None:
        """Prepare host, network and packet filter; called before anything starts, idempotent."""

    def create(self, vmid: int, archive: Path, config: ContainerConfig) -> None:
        """Unpack a root file system archive for a new container."""

    def clone(self, source: int, vmid: int, *, full: bool) -> None:
        """Copy `source` (full), or create an overlay over its base (linked; a template only)."""

    def make_template(self, vmid: int) -> None:
        """Turn the container's root file system into a read-only base for linked clones."""

    def start(self, vmid: int, config: ContainerConfig) -> None:
        """Start with this configuration applied; return when the container's init runs."""

    def take_address(self, vmid: int, net: Net) -> None:
        """Remove the address from a container that was just started."""

    def give_address(self, vmid: int, net: Net) -> None:
        """Restore the address, with the route to its gateway."""

    def stop(self, vmid: int) -> None:
        """Kill the container; return when it has ended."""

    def shutdown(self, vmid: int, timeout: float) -> bool:
        """Ask it to shut down and wait up to `timeout` seconds; return whether it ended in time."""

    def destroy(self, vmid: int) -> None:
        """Remove all its data, also after a partial creation; a base goes with its last clone."""

    def is_running(self, vmid: int) -> bool:
        """Whether its init process runs now; cheap, read from the system and not cached."""

    def usage(self, vmid: int) -> Usage:
        """Return the current resource usage of a running container."""

    def interfaces(self, vmid: int) -> list[Interface]:
        """Return interfaces and addresses of a running container."""

    def existing(self) -> set[int]:
        """Return the vmid of every container with any state on this machine."""


def parse_properties(text: str, default_key: str = "") -> dict[str, str]:
    """Parse a Proxmox property string: `name=eth0,bridge=b` or `local:8,size=4G`."""
    parts = (part.partition("=") for part in text.split(",") if part)
    return {key if sep else default_key: value if sep else key for key, sep, value in parts}


def parse_size_gb(text: str) -> float:
    """Return the GiB of a Proxmox size such as `10G`, `512M` or `4` (no unit: GiB)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    if match is None:
        raise BackendError(f"unable to parse size '{text}'")
    scale = {"K": 1 / 1024**2, "M": 1 / 1024, "G": 1.0, "": 1.0, "T": 1024.0}
    return float(match[1]) * scale[match[2]]


def parse_config(vmid: int, config: Mapping[str, str]) -> ContainerConfig:
    """Extract what a backend applies from a Proxmox container configuration (keys, text values)."""
    net = parse_properties(config.get("net0", ""))
    features = parse_properties(config.get("features", ""))
    size = parse_properties(config.get("rootfs", ""), "volume").get("size", "4G")
    return ContainerConfig(
        hostname=config.get("hostname", f"CT{vmid}"),
        memory_mb=int(config.get("memory", 512)),
        swap_mb=int(config.get("swap", 512)),
        cores=int(config.get("cores", 0)),
        net0=_parse_net(net) if net else None,
        unprivileged=config.get("unprivileged") == "1",
        nesting=features.get("nesting") == "1",
        disk_gb=parse_size_gb(size),
    )


def _parse_net(net: dict[str, str]) -> Net:
    wanted = ("bridge", "hwaddr", "ip", "gw")
    return Net(name=net.get("name", "eth0"), **{key: net.get(key, "") for key in wanted})
