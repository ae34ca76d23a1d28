"""Adoption of a hand-made desktop by a portal: its permitted owners, and its new mark."""

from __future__ import annotations

from typing import Any

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed, Taken
from ansible_collections.winux.proxmox.plugins.module_utils.marks import desktop_mark, has_mark

SPEC: dict[str, Any] = DESKTOP | {
    "adopter_portal_id": {"type": "str", "required": True},
    "adopter_session_id": {"type": "str", "required": True},
}


class AdoptingAction(ProxmoxAction):
    """An action on a container with the mark of its creator, or already with the adopter's."""

    def new_mark(self, arguments: dict[str, Any]) -> str:
        return desktop_mark(arguments["adopter_portal_id"], arguments["adopter_session_id"])

    def find(self, arguments: dict[str, Any]) -> tuple[Container, dict[str, Any]]:
        """Return the container and its configuration; refuse a container with another mark."""
        made = self.container(arguments)
        config = made.find()
        if config is None:
            raise ProxmoxFailed(f"container {made.vmid} is not there, or not in the token's pool")
        if not (has_mark(config, made.mark) or has_mark(config, self.new_mark(arguments))):
            raise Taken(
                f"container {made.vmid} does not carry the mark of {arguments['session_id']} of "
                f"the portal {arguments['portal_id']}; it was not touched"
            )
        return made, config
