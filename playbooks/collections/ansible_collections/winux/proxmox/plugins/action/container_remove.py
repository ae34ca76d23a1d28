"""Removes a container with our mark, in any state."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import Taken
from ansible_collections.winux.proxmox.plugins.module_utils.marks import desktop_mark, read_desktop


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP | {"session_id": {"type": "str"}}

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        vmid = arguments["vmid"]
        container = self.container(arguments) if arguments["session_id"] else self._by_id(arguments)
        if container is None:
            return {"changed": False, "vmid": vmid}
        changed = container.find_ours() is not None if self.check_mode else container.remove()
        return {"changed": changed, "vmid": vmid}

    def _by_id(self, arguments: dict[str, Any]) -> Container | None:
        """Return the container under the name in its mark; None if it is gone.

        A container without a mark, or with another portal's mark, is refused.
        """
        portal_id, vmid = arguments["portal_id"], arguments["vmid"]
        unnamed = Container(self.connect(arguments), vmid, "")
        config = unnamed.find()
        if config is None:
            moved = unnamed.elsewhere()
            if moved is None:
                return None
            unnamed, config = moved, moved.find() or {}
        owner = read_desktop(config)
        if owner is None:
            name = config.get("hostname", "no name")
            raise Taken(
                f"container {vmid} ({name}) carries no mark of a desktop; it was not touched"
            )
        if owner[0] != portal_id:
            raise Taken(
                f"container {vmid} is {owner[1]} of the portal {owner[0]}, not of {portal_id}; it "
                f"was not touched. To remove it all the same: portal_id={owner[0]}"
            )
        return Container(unnamed.api, vmid, desktop_mark(*owner))
