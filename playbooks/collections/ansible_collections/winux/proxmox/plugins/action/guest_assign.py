"""Assigns a prebuilt, unused desktop to its person."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import (
    DESKTOP,
    ProxmoxAction,
    read_secrets,
)
from ansible_collections.winux.proxmox.plugins.module_utils.addresses import address_of
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.guest import ask


class ActionModule(ProxmoxAction):
    """Sends a request only to a running container with our mark.

    The password comes from the secrets file, or the desktop generates it; it is never in an
    argument. A generated password is in the result (`password`), so the task needs no_log.
    """

    spec: ClassVar[dict[str, Any]] = DESKTOP | {
        "key_file": {"type": "path", "required": True},
        "ssh_host_key_sha256": {"type": "str"},
        "username": {"type": "str", "default": "desktop"},
        "keyboard_layout": {"type": "str", "default": "us"},
        "deadline_epoch": {"type": "int"},
        "duration_minutes": {"type": "int", "default": 30},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        address = _address(self.container(arguments))
        if self.check_mode:
            return {"changed": True, "address": address}
        request = {
            "do": "assign",
            "username": arguments["username"],
            "password": read_secrets(arguments["secrets_file"]).get("rdp_password"),
            "keyboard_layout": arguments["keyboard_layout"],
            "deadline_epoch": arguments["deadline_epoch"],
            "deadline_if_unset_epoch": int(time.time()) + 60 * arguments["duration_minutes"],
        }
        answer = ask(address, arguments["key_file"], request, arguments["ssh_host_key_sha256"])
        return {"address": address, **answer}


def _address(container: Container) -> str:
    """Return the desktop's address; raise unless the container is ours and runs."""
    config = container.find_ours()
    if config is None or not container.is_running():
        raise ProxmoxFailed(
            f"container {container.vmid} does not run: only a desktop that runs can be assigned"
        )
    if not (address := address_of(config)):
        raise ProxmoxFailed(f"container {container.vmid} has no fixed address")
    return address
