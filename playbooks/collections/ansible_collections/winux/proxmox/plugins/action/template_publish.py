"""Marks a template as available for clones."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.marks import (
    draft_mark,
    has_mark,
    template_mark,
)


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "vmid": {"type": "int", "required": True},
        "name": {"type": "str", "required": True},
        "version": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        mark = template_mark(arguments["name"], arguments["version"])
        container = Container(
            self.connect(arguments),
            arguments["vmid"],
            draft_mark(arguments["name"], arguments["version"]),
        )
        config = container.find() or {}
        if has_mark(config, mark):
            return {"changed": False}
        if not self.check_mode:
            container.find_ours()  # refuses anything but a draft of this version
            container.set_options({"description": mark})
        return {"changed": True}
