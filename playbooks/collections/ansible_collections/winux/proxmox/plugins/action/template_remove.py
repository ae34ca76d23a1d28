"""Removes a published template of one version, on any node."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import Missing, Taken
from ansible_collections.winux.proxmox.plugins.module_utils.marks import (
    read_template,
    template_mark,
)


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "vmid": {"type": "int", "required": True},
        "version": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        vmid, version = arguments["vmid"], arguments["version"]
        api = self.connect(arguments)
        node = api.node_of(vmid)
        if node is None:
            return {"changed": False}
        api = api.on(node)
        try:
            found = read_template(vmid, api.read(f"lxc/{vmid}/config"))
        except Missing:  # removed between two reads
            return {"changed": False}
        if found is None or found.version != version:
            raise Taken(
                f"container id {vmid} is no published template of version {version}; it was "
                "not touched"
            )
        if not self.check_mode:
            Container(api, vmid, template_mark(found.name, found.version)).remove()
        return {"changed": True}
