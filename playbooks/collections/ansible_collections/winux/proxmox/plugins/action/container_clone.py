"""Clones a template into a desktop's container."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api, NodeTrouble
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container, Made
from ansible_collections.winux.proxmox.plugins.module_utils.failures import Missing, ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.templates import newest


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = DESKTOP | {
        "template_vmid": {"type": "int"},
        "template_name": {"type": "str", "default": "xfce"},
        "pool": {"type": "str", "required": True},
        "storage": {"type": "str", "required": True},
        "lock_patience": {"type": "int"},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        container = self.container(arguments)
        api = container.api
        answer = {"vmid": container.vmid, "node": api.node}
        source = arguments["template_vmid"]
        # Read the source first: a successful read also shows that the token sees containers.
        trouble = self._trouble_with(api, source) if source else None
        # If the source is usable, the clone itself reports an existing container.
        is_sure_to_clone = source and not trouble and not self.check_mode
        if not is_sure_to_clone and (config := container.find_ours()) is not None:
            config = config if self.check_mode else container.wait_for_lock()
            if config:
                return answer | {"changed": False, "config": config}
        if not source:
            source = newest(api, arguments["template_name"]).vmid
            trouble = self._trouble_with(api, source)
        if trouble:
            raise trouble
        answer |= {"changed": True, "template_vmid": source}
        if self.check_mode:
            return answer
        made = self._clone(container, source, arguments)
        return answer | {"changed": made.is_new, "config": made.config}

    def _clone(self, container: Container, source: int, arguments: dict[str, Any]) -> Made:
        """Create a linked clone if the storage supports it, else a full one."""
        what = f"cloning template {source} to container {container.vmid}"
        names = {
            "newid": container.vmid,
            "hostname": arguments["session_id"],
            "pool": arguments["pool"],
        }
        try:
            return container.create(f"lxc/{source}/clone", what, **names)
        except NodeTrouble as refusal:
            if "Linked clone feature" not in str(refusal):
                raise
            return container.create(
                f"lxc/{source}/clone", what, **names, full=1, storage=arguments["storage"]
            )

    def _trouble_with(self, api: Api, source: int) -> ProxmoxFailed | None:
        """Check the source: Proxmox VE makes a full clone of a non-template, even of a desktop."""
        try:
            config = api.read_config(source)
        except Missing as missing:
            return ProxmoxFailed(
                f"template {source} is not there, or the API token may not use it: {missing}"
            )
        if str(config.get("template", "0")) != "1":
            return ProxmoxFailed(
                f"container {source} is not a template: build one with template-build.yml"
            )
        return None
