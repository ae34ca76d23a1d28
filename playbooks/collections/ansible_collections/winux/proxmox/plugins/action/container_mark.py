"""Replaces the mark of a desktop's creator with that of the adopting portal."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.adoption import SPEC, AdoptingAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.marks import has_mark


class ActionModule(AdoptingAction):
    """Keeps other lines of the notes, and renames the container to the desktop's id."""

    spec: ClassVar[dict[str, Any]] = SPEC

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container, config = self.find(arguments)
        name, mark = arguments["adopter_session_id"], self.new_mark(arguments)
        if has_mark(config, mark) and config.get("hostname") == name:
            return {"changed": False}
        if not self.check_mode:
            lines = str(config.get("description", "")).splitlines()
            kept = [line for line in lines if line.strip() not in (container.mark, mark)]
            container.set_options({"description": "\n".join([mark, *kept]), "hostname": name})
            if not has_mark(container.find() or {}, mark):
                raise ProxmoxFailed(f"container {container.vmid} did not take its new mark")
        return {"changed": True}
