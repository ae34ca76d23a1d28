"""Starts a desktop's container."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.addresses import address_of
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP | {
        "settle": {"type": "bool", "default": False},
        "seen": {"type": "dict"},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container = self.container(arguments)
        config = container.find_ours(arguments["seen"])
        if config is None and self.check_mode:
            return {"changed": True}
        if config is None:
            raise ProxmoxFailed(
                f"container {container.vmid} is not there: it was to be cloned first"
            )
        if arguments["settle"] and not self.check_mode:
            container.settle()
        changed = not container.is_running() if self.check_mode else container.start()
        return {"changed": changed, "address": address_of(config)}
