"""Addresses of hand-made desktops, checked against the node's other containers."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed

#: Hosts of the network kept for hand-made desktops; the portal's own begin after them.
FIRST_HOST, LAST_HOST = 10, 63


def parse_properties(text: str) -> dict[str, str]:
    """Parse `name=eth0,bridge=vmbr0` into a dictionary."""
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)


def address_of(config: dict[str, Any]) -> str:
    """Return the address in a container's net0, without prefix; empty if it is not fixed."""
    address = parse_properties(str(config.get("net0", ""))).get("ip", "")
    try:
        return str(IPv4Interface(address).ip)
    except ValueError:  # dhcp, manual, or not an address to connect to
        return ""


def checked(address: str, taken: dict[str, int], vmid: int) -> str:
    """Return the address (CIDR) if it can be this container's; raise if not."""
    try:
        plain = str(IPv4Interface(address).ip)
    except ValueError as error:
        raise ProxmoxFailed(
            f"container_address {address!r} is no address such as 10.203.0.70/24: {error}"
        ) from error
    if "/" not in address:
        raise ProxmoxFailed(f"container_address {address!r} lacks its prefix, such as {address}/24")
    if taken.get(plain, vmid) != vmid:
        raise ProxmoxFailed(
            f"address {plain} is held by container {taken[plain]} already: choose another "
            "container_address"
        )
    return address


def chosen(network: str, taken: dict[str, int], vmid: int) -> str:
    """Return a free address (CIDR); the search starts at the id's offset, to avoid collisions."""
    net = IPv4Network(network)
    if net.num_addresses <= LAST_HOST + 1:
        raise ProxmoxFailed(
            f"container_network {network} is too small for hand-made desktops; give "
            "container_address"
        )
    count = LAST_HOST - FIRST_HOST + 1
    for step in range(count):
        address = str(net[FIRST_HOST + (vmid + step) % count])
        if taken.get(address, vmid) == vmid:
            return f"{address}/{net.prefixlen}"
    raise ProxmoxFailed(
        f"every address for hand-made desktops in {network} is taken: give container_address, "
        "or destroy some"
    )


def router_of(network: str) -> str:
    """Return the first host of the network."""
    return str(IPv4Network(network)[1])
