"""Finds the published template that was built from the same sources."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.templates import published


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "name": {"type": "str", "required": True},
        "key": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        versions = published(self.connect(arguments), arguments["name"])
        same = [one for one in versions if one.version.rpartition(".")[2] == arguments["key"]]
        found = same[0] if same else None
        return {
            "changed": False,
            "vmid": found and found.vmid,
            "version": found and found.version,
        }
