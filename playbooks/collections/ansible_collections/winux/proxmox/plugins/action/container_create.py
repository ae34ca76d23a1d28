"""Creates a container from an uploaded archive and turns it into a draft template."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api, NodeTrouble
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed, Taken
from ansible_collections.winux.proxmox.plugins.module_utils.marks import (
    draft_mark,
    find_trial_mark,
    has_mark,
)
from ansible_collections.winux.proxmox.plugins.module_utils.templates import (
    configurations,
    free_vmids,
)


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "name": {"type": "str", "required": True},
        "version": {"type": "str", "required": True},
        "archive": {"type": "str", "required": True},
        "vmid_first": {"type": "int", "default": 29001},
        "vmid_last": {"type": "int", "default": 29099},
        "pool": {"type": "str", "required": True},
        "storage": {"type": "str", "required": True},
        "bridge": {"type": "str", "required": True},
        "memory_mb": {"type": "int", "default": 1024},
        "swap_mb": {"type": "int", "default": 512},
        "cores": {"type": "int", "default": 2},
        "disk_gb": {"type": "int", "default": 10},
        "nesting": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        api = self.connect(arguments)
        name, version = arguments["name"], arguments["version"]
        answer = {"name": name, "version": version}
        mark = draft_mark(name, version)
        rest = None if self.check_mode else self._rest_of_earlier_runs(api, mark)
        free = free_vmids(api, arguments["vmid_first"], arguments["vmid_last"])
        vmid = rest or (free[0] if self.check_mode else self._draft(api, arguments, mark, free))
        return answer | {"changed": True, "vmid": vmid, "spare_vmid": free[-1]}

    def _draft(self, api: Api, arguments: dict[str, Any], mark: str, free: list[int]) -> int:
        """Create a draft of this version on the first id that is free."""
        for vmid in free:
            try:
                self._create(api, vmid, mark, arguments)
                return vmid
            except Taken:
                continue  # taken by a hidden container, or after the list was read
        raise ProxmoxFailed("no container id for the template is free")

    def _rest_of_earlier_runs(self, api: Api, mark: str) -> int | None:
        """Return a complete template of this version; remove partial ones and trial clones."""
        whole = None
        for vmid, config in configurations(api, templates_only=False):
            if trial := find_trial_mark(config):
                Container(api, vmid, trial).remove()
            elif has_mark(config, mark):
                container = Container(api, vmid, mark)
                if str(container.wait_for_lock().get("template", "0")) == "1":
                    whole = vmid
                else:
                    container.remove()
        return whole

    def _create(self, api: Api, vmid: int, mark: str, arguments: dict[str, Any]) -> None:
        container = Container(api, vmid, mark)
        options = {
            "vmid": vmid,
            "ostemplate": arguments["archive"],
            "hostname": f"winux-{arguments['name']}",
            "pool": arguments["pool"],
            "storage": arguments["storage"],
            "rootfs": f"{arguments['storage']}:{arguments['disk_gb']}",
            "memory": arguments["memory_mb"],
            "swap": arguments["swap_mb"],
            "cores": arguments["cores"],
            "net0": f"name=eth0,bridge={arguments['bridge']},firewall=1,ip=manual,type=veth",
            "unprivileged": 1,
            "ostype": "debian",
            "onboot": 0,
        } | ({"features": "nesting=1"} if arguments["nesting"] else {})
        container.create("lxc", f"creating container {vmid}", **options)
        try:
            api.write("post", f"{container.path}/template", lambda: self._is_template(container))
        except NodeTrouble as refusal:
            if not self._is_template(container):
                raise ProxmoxFailed(
                    f"container {vmid} cannot become a template: {refusal}"
                ) from refusal

    def _is_template(self, container: Container) -> bool:
        return str((container.find() or {}).get("template", "0")) == "1"
