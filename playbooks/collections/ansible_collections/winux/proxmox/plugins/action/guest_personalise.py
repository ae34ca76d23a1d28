"""Make a running desktop the person's own."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import WinuxAction, read_secrets
from ansible_collections.winux.proxmox.plugins.module_utils.guest import ask


class ActionModule(WinuxAction):
    """The password comes from the secrets file, or is made by the desktop; it is never in an
    argument.

    A password made by the desktop is in the result (`password`), so the task needs no_log.
    """

    spec: ClassVar[dict[str, Any]] = {
        "address": {"type": "str", "required": True},
        "key_file": {"type": "path", "required": True},
        "secrets_file": {"type": "path"},
        "username": {"type": "str", "default": "desktop"},
        "keyboard_layout": {"type": "str", "default": "us"},
        "deadline_epoch": {"type": "int"},
        "duration_minutes": {"type": "int", "default": 30},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"changed": True}
        request = {
            "do": "personalise",
            "username": arguments["username"],
            "password": read_secrets(arguments["secrets_file"]).get("rdp_password"),
            "keyboard_layout": arguments["keyboard_layout"],
            "deadline_epoch": arguments["deadline_epoch"],
            "deadline_if_unset_epoch": int(time.time()) + 60 * arguments["duration_minutes"],
        }
        return ask(arguments["address"], arguments["key_file"], request)
