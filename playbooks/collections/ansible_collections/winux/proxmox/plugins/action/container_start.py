"""Start a desktop's container."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container = self.container(arguments)
        if self.check_mode:
            return {"changed": container.find_ours() is None or not container.is_running()}
        if container.find_ours() is None:
            raise ProxmoxFailed(
                f"container {container.vmid} is not there: it was to be cloned first"
            )
        return {"changed": container.start()}
