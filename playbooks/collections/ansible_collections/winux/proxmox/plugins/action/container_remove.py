"""Remove a container of ours, whatever state it is in."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container = self.container(arguments)
        changed = container.find_ours() is not None if self.check_mode else container.remove()
        return {"changed": changed, "vmid": container.vmid}
