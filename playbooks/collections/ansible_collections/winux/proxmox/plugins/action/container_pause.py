"""Shuts down a desktop's container, and keeps it."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP | {"patience_s": {"type": "int", "default": 20}}

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container = self.container(arguments)
        if container.find_ours() is None:
            raise ProxmoxFailed(f"container {container.vmid} is not there")
        if self.check_mode:
            return {"changed": container.is_running()}
        container.settle()
        return {"changed": container.shut_down(arguments["patience_s"])}
