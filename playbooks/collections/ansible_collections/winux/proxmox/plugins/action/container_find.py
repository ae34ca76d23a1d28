"""Finds a running desktop that was created by hand and is to be adopted."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.addresses import address_of
from ansible_collections.winux.proxmox.plugins.module_utils.adoption import SPEC, AdoptingAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed


class ActionModule(AdoptingAction):
    spec: ClassVar[dict[str, Any]] = SPEC

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container, config = self.find(arguments)
        if str(config.get("template", "0")) == "1":
            raise ProxmoxFailed(f"container {container.vmid} is a template, not a desktop")
        if not container.is_running():
            raise ProxmoxFailed(f"container {container.vmid} does not run: start it first")
        if not address_of(config):
            raise ProxmoxFailed(f"container {container.vmid} has no fixed address in its net0")
        return {"changed": False, "address": address_of(config)}
