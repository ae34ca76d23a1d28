"""The LXC configuration of one container as text: a pure function of its arguments."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from labnode.backend import BackendError, ContainerConfig, Net
from labnode.cgroups import limits
from labnode.id_ranges import ID_COUNT
from labnode.network import Owner

# Subgroups of a container's group: its processes, with the limits; LXC's monitor; and the monitor
# during cleanup, after which it ends or, if the container restarts itself, moves back.
PAYLOAD, MONITOR, ENDING = "payload", "monitor", "ending"
#: Of 4096 on the machine; LXC's own value of 1024 would exhaust them at the fourth container.
PTY_LIMIT = 256
SHARED = Path("/usr/share/lxc/config")
HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,14}")
HWADDR = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Machine:
    """Machine-wide settings that apply to every container."""

    bridge: str
    cgroup_version: int
    swap_limit: bool
    apparmor: bool
    port_script: Path


@dataclass(frozen=True)
class Place:
    """The paths and names of one container on the machine."""

    root: Path
    port: str
    cgroup: str
    namespace: Path
    first_id: int


def lxc_config(config: ContainerConfig, machine: Machine, place: Place) -> str:
    """Return the LXC configuration file; raise BackendError for refused or malformed values."""
    if not config.unprivileged:
        raise BackendError("privileged containers are refused here: set unprivileged=1")
    settings = [*_basics(config, machine, place), *_isolation(config, machine)]
    settings += limits(config, machine.cgroup_version, swap=machine.swap_limit).items()
    if config.net0 is not None:
        settings += _network(config.net0, machine, place)
    return "".join(f"{key} = {value}\n" for key, value in settings)


def find_owner(text: str) -> Owner | None:
    """Return the addresses that the container's port accepts as senders, if it has any."""
    settings = dict(line.split(" = ", 1) for line in text.splitlines())
    address = settings.get("lxc.net.0.ipv4.address")
    if address is None:
        return None
    port, hwaddr = settings["lxc.net.0.veth.pair"], settings["lxc.net.0.hwaddr"]
    return Owner(port, hwaddr, address.partition("/")[0])


def _basics(config: ContainerConfig, machine: Machine, place: Place) -> list[tuple[str, object]]:
    return [
        ("lxc.include", SHARED / "common.conf"),
        ("lxc.include", SHARED / "userns.conf"),
        ("lxc.uts.name", _matching(HOSTNAME, config.hostname, "hostname")),
        ("lxc.rootfs.path", f"dir:{place.root}"),
        ("lxc.idmap", f"u 0 {place.first_id} {ID_COUNT}"),
        ("lxc.idmap", f"g 0 {place.first_id} {ID_COUNT}"),
        ("lxc.namespace.share.user", place.namespace),  # made by root of the container
        ("lxc.pty.max", PTY_LIMIT),
        ("lxc.cgroup.dir.container", f"{place.cgroup}/{PAYLOAD}"),
        ("lxc.cgroup.dir.monitor", f"{place.cgroup}/{MONITOR}"),
        ("lxc.cgroup.dir.monitor.pivot", f"{place.cgroup}/{ENDING}"),
    ]


def _isolation(config: ContainerConfig, machine: Machine) -> list[tuple[str, object]]:
    profile = "generated" if machine.apparmor else "unconfined"
    if config.nesting:
        nested = [("lxc.include", SHARED / "nesting.conf"), ("lxc.apparmor.profile", profile)]
        return [*nested, ("lxc.apparmor.allow_nesting", 1)]
    # The empty values clear mounts of the included files: a writable /sys and the list of the
    # host's FUSE connections.
    mounts = [("lxc.mount.auto", ""), ("lxc.mount.auto", "cgroup:mixed proc:mixed sys:mixed")]
    return [*mounts, ("lxc.mount.entry", ""), ("lxc.apparmor.profile", profile)]


def _network(net: Net, machine: Machine, place: Place) -> list[tuple[str, object]]:
    if net.bridge != machine.bridge:
        raise BackendError(f"bridge '{net.bridge}' does not exist on this node")
    settings: list[tuple[str, object]] = [
        ("lxc.net.0.type", "veth"),
        ("lxc.net.0.link", machine.bridge),
        ("lxc.net.0.veth.pair", place.port),
        ("lxc.net.0.script.up", machine.port_script),
        ("lxc.net.0.flags", "up"),
        ("lxc.net.0.name", _matching(INTERFACE, net.name, "interface name")),
        ("lxc.net.0.hwaddr", _matching(HWADDR, net.hwaddr, "hardware address").lower()),
    ]
    if net.ip not in ("", "dhcp", "manual"):
        settings.append(("lxc.net.0.ipv4.address", _interface(net.ip)))
        if net.gw:
            settings.append(("lxc.net.0.ipv4.gateway", _interface(net.gw).ip))
    return settings


def _interface(text: str) -> ipaddress.IPv4Interface:
    try:
        return ipaddress.IPv4Interface(text)
    except ValueError:
        raise BackendError(f"'{text}' is no IPv4 address") from None


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    """Return a value from a request; raise BackendError unless it matches in full."""
    if not pattern.fullmatch(text):
        raise BackendError(f"'{text}' is no valid {what}")
    return text
