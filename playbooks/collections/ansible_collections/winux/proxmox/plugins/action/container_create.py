"""Create a container from an uploaded archive and turn it into a template, a draft at first."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api, NodeTrouble
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed, Taken
from ansible_collections.winux.proxmox.plugins.module_utils.marks import draft_mark, has_mark
from ansible_collections.winux.proxmox.plugins.module_utils.templates import (
    configurations,
    free_vmids,
    published,
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
        done = [one for one in published(api, name) if one.version == version]
        if done:
            return answer | {"changed": False, "vmid": done[0].vmid, "published": True}
        free = free_vmids(api, arguments["vmid_first"], arguments["vmid_last"])
        if self.check_mode:
            return answer | {
                "changed": True,
                "vmid": free[0],
                "spare_vmid": free[-1],
                "published": True,
            }
        vmid = self._draft(api, arguments, free)
        return answer | {"changed": True, "vmid": vmid, "spare_vmid": free[-1], "published": False}

    def _draft(self, api: Api, arguments: dict[str, Any], free: list[int]) -> int:
        """A template of this version: an earlier run's, or made now on the first id really free."""
        mark = draft_mark(arguments["name"], arguments["version"])
        rest = self._rest_of_earlier_run(api, mark)
        if rest:
            return rest
        for vmid in free:
            try:
                self._create(api, vmid, mark, arguments)
                return vmid
            except Taken:
                continue  # taken unseen, or between the list and the call
        raise ProxmoxFailed("no container id for the template is free")

    def _rest_of_earlier_run(self, api: Api, mark: str) -> int | None:
        """A whole template is used; a half-made container is removed."""
        for vmid, config in configurations(api, templates_only=False):
            if has_mark(config, mark):
                container = Container(api, vmid, mark)
                if str(container.wait_for_lock().get("template", "0")) == "1":
                    return vmid
                container.remove()
        return None

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
            "net0": f"name=eth0,bridge={arguments['bridge']},ip=manual,type=veth",
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
