"""Verifies that a desktop's XRDP responds with the desktop's own certificate."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import WinuxAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.rdp import certificate_sha256


class ActionModule(WinuxAction):
    spec: ClassVar[dict[str, Any]] = {
        "address": {"type": "str", "required": True},
        "certificate_sha256": {"type": "str"},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"changed": False}
        shown = certificate_sha256(arguments["address"])
        if shown != (arguments["certificate_sha256"] or shown):
            raise ProxmoxFailed(
                f"something else answers on RDP at {arguments['address']}: its certificate is "
                f"{shown}, "
                f"the desktop's own is {arguments['certificate_sha256']}. Is the address used "
                "twice?"
            )
        return {"changed": False}
