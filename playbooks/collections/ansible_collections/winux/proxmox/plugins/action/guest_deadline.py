"""Sends its deadline to a running desktop."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import WinuxAction
from ansible_collections.winux.proxmox.plugins.module_utils.guest import ask


class ActionModule(WinuxAction):
    spec: ClassVar[dict[str, Any]] = {
        "address": {"type": "str", "required": True},
        "key_file": {"type": "path", "required": True},
        "ssh_host_key_sha256": {"type": "str"},
        "deadline_epoch": {"type": "int", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"changed": True}
        request = {"do": "deadline", "deadline_epoch": arguments["deadline_epoch"]}
        return ask(
            arguments["address"],
            arguments["key_file"],
            request,
            arguments["ssh_host_key_sha256"],
        )
