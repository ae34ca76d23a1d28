"""The network inside a running container, set with the host's own `ip`: no guest code runs."""

from __future__ import annotations

import json

from labnode.backend import Interface, Net
from labnode.command import run


def interfaces(init: int) -> list[Interface]:
    """Return interfaces and addresses; `init` is the container's first process."""
    return [_parse(link) for link in json.loads(_ip(init, "-json", "address", "show"))]


def take_address(init: int, net: Net) -> None:
    """Remove the fixed address, and with it the routes."""
    if "/" in net.ip:
        _ip(init, "address", "del", net.ip, "dev", net.name)


def give_address(init: int, net: Net) -> None:
    """Set the fixed address, and the route to its gateway."""
    if "/" in net.ip:
        _ip(init, "address", "replace", net.ip, "dev", net.name)
    if net.gw:
        _ip(init, "route", "replace", "default", "via", net.gw, "dev", net.name)


def _ip(init: int, *words: str) -> str:
    return run("nsenter", f"--target={init}", "--net", "ip", *words)


def _parse(link: dict[str, object]) -> Interface:
    found = {"inet": "", "inet6": ""}
    addresses = link.get("addr_info")
    for entry in addresses if isinstance(addresses, list) else []:
        found[entry["family"]] = f"{entry['local']}/{entry['prefixlen']}"
    return Interface(name=str(link["ifname"]), hwaddr=str(link.get("address", "")), **found)
