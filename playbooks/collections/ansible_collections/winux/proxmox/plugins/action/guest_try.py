"""Tests a clone of a new template: guest command, login session, RDP with its own certificate."""

from __future__ import annotations

import secrets
import time
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import WinuxAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.guest import ask
from ansible_collections.winux.proxmox.plugins.module_utils.rdp import certificate_sha256


class ActionModule(WinuxAction):
    spec: ClassVar[dict[str, Any]] = {
        "address": {"type": "str", "required": True},
        "key_file": {"type": "path", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"changed": False}
        address, key_file = arguments["address"], arguments["key_file"]
        account = {"username": "desktop", "password": secrets.token_urlsafe(16)}
        deadline = int(time.time()) + 3600
        identity = ask(
            address,
            key_file,
            account | {"do": "personalise", "keyboard_layout": "us", "deadline_epoch": deadline},
        )
        if certificate_sha256(address) != identity["rdp_certificate_sha256"]:
            raise ProxmoxFailed(
                f"something else than the template's clone answers on RDP at {address}"
            )
        session = ask(address, key_file, account | {"do": "try_session"})
        return {"changed": False, "session": session}
