"""Clone a template into a desktop's container."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import DESKTOP, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api, NodeTrouble
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
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
        # Read first: what is read here says too that the token sees containers.
        trouble = self._trouble_with(api, source) if source else None
        if container.find_ours() is not None and (self.check_mode or container.wait_for_lock()):
            return answer | {"changed": False}
        if not source:
            source = newest(api, arguments["template_name"]).vmid
            trouble = self._trouble_with(api, source)
        if trouble:
            raise trouble
        if not self.check_mode:
            self._clone(container, source, arguments)
        return answer | {"changed": True, "template_vmid": source}

    def _clone(self, container: Container, source: int, arguments: dict[str, Any]) -> None:
        """Linked where the storage can, else full."""
        what = f"cloning template {source} to container {container.vmid}"
        names = {
            "newid": container.vmid,
            "hostname": arguments["session_id"],
            "pool": arguments["pool"],
        }
        try:
            container.create(f"lxc/{source}/clone", what, **names)
        except NodeTrouble as refusal:
            if "Linked clone feature" not in str(refusal):
                raise
            container.create(
                f"lxc/{source}/clone", what, **names, full=1, storage=arguments["storage"]
            )

    def _trouble_with(self, api: Api, source: int) -> ProxmoxFailed | None:
        """A clone of what is no template would silently be a full one, even of a desktop."""
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
