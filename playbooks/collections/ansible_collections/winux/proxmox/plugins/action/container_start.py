"""Start a desktop's container."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "vmid": {"type": "int", "required": True},
        "mark": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container

        container = Container(self.connect(arguments), arguments["vmid"], arguments["mark"])
        if self.check_mode:
            return {"changed": container.find_ours() is None or not container.is_running()}
        if container.find_ours() is None:
            raise ProxmoxFailed(
                f"container {container.vmid} is not there: it was to be cloned first"
            )
        return {"changed": container.start()}
