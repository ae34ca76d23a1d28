"""Sets a desktop container's size, network and address."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.addresses import (
    address_of,
    checked,
    chosen,
    parse_properties,
    router_of,
)
from ansible_collections.winux.proxmox.plugins.module_utils.containers import (
    Container,
    is_disk_large,
)
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.templates import configurations


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP | {
        "memory_mb": {"type": "int", "default": 1024},
        "swap_mb": {"type": "int", "default": 512},
        "cores": {"type": "int", "default": 2},
        "disk_gb": {"type": "int", "default": 10},
        "nesting": {"type": "bool", "default": False},
        "bridge": {"type": "str", "required": True},
        "address": {"type": "str"},
        "router": {"type": "str"},
        "network": {"type": "str"},
        "check_address": {"type": "bool", "default": True},
        "seen": {"type": "dict"},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container = self.container(arguments)
        config = container.find_ours(arguments["seen"])
        if config is None and self.check_mode:
            return {"changed": True, "address": arguments["address"] or ""}
        if config is None:
            raise ProxmoxFailed(
                f"container {container.vmid} is not there: it was to be cloned first"
            )
        address = self._address(container, config, arguments)
        options = self._options(config, arguments, address)
        if options and not self.check_mode:
            container.set_options(options)
        has_grown = self._grow_disk(container, config, arguments["disk_gb"])
        return {
            "changed": bool(options) or has_grown,
            "address": address.partition("/")[0],
            "config": config | options,
        }

    def _address(
        self, container: Container, config: dict[str, Any], arguments: dict[str, Any]
    ) -> str:
        """Return the requested address, the current one, or a free one; CIDR."""
        current = parse_properties(str(config.get("net0", ""))).get("ip", "")
        wanted = arguments["address"]
        if not wanted and address_of(config):
            return current
        if not wanted and not arguments["network"]:
            raise ProxmoxFailed(
                "say which address the desktop gets: container_address, or container_network "
                "to choose from"
            )
        look = not wanted or (arguments["check_address"] and wanted != current)
        taken = self._taken(container) if look else {}
        return (
            checked(wanted, taken, container.vmid)
            if wanted
            else chosen(arguments["network"], taken, container.vmid)
        )

    def _taken(self, container: Container) -> dict[str, int]:
        """Map the address of every container that the token sees to its vmid."""
        found = configurations(container.api, templates_only=False)
        return {address_of(config): vmid for vmid, config in found if address_of(config)}

    def _options(
        self, config: dict[str, Any], arguments: dict[str, Any], address: str
    ) -> dict[str, Any]:
        """Return only the options that differ."""
        router = arguments["router"] or (
            router_of(arguments["network"]) if arguments["network"] else ""
        )
        wanted = {
            "memory": arguments["memory_mb"],
            "swap": arguments["swap_mb"],
            "cores": arguments["cores"],
        }
        options = {
            name: value for name, value in wanted.items() if str(config.get(name)) != str(value)
        }
        options |= net_option(str(config.get("net0", "")), arguments["bridge"], address, router)
        return options | nesting_option(str(config.get("features", "")), arguments["nesting"])

    def _grow_disk(self, container: Container, config: dict[str, Any], disk_gb: int) -> bool:
        """Grow the disk beyond the template's if requested; it cannot shrink."""
        if is_disk_large(config, disk_gb):
            return False
        if not self.check_mode:
            container.grow_disk(disk_gb)
        return True


def net_option(current: str, bridge: str, address: str, router: str) -> dict[str, str]:
    """Return net0 if it must change.

    The hardware address is kept, because the desktop's identity depends on it.
    """
    have = parse_properties(current)
    want = {"name": "eth0", "bridge": bridge, "ip": address} | ({"gw": router} if router else {})
    if all(have.get(name) == value for name, value in want.items()) and ("gw" in have) == bool(
        router
    ):
        return {}
    kept = {"firewall": "1"} | {
        name: have[name] for name in ("hwaddr", "firewall", "tag", "mtu", "rate") if name in have
    }
    return {
        "net0": ",".join(
            f"{name}={value}" for name, value in (want | kept | {"type": "veth"}).items()
        )
    }


def nesting_option(current: str, nesting: bool) -> dict[str, str]:
    """Return features if nesting must change.

    Other features stay as they are, because only root@pam may set them.
    """
    features = parse_properties(current)
    if (features.get("nesting", "0") == "1") == nesting:
        return {}
    features["nesting"] = "1" if nesting else "0"
    return {"features": ",".join(f"{name}={value}" for name, value in features.items())}
