"""Remove a container of ours, whatever state it is in."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "vmid": {"type": "int", "required": True},
        "mark": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container

        container = Container(self.connect(arguments), arguments["vmid"], arguments["mark"])
        changed = container.find_ours() is not None if self.check_mode else container.remove()
        return {"changed": changed, "vmid": container.vmid}
