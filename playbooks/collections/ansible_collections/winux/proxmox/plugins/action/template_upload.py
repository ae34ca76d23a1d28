"""Uploads a root file system archive as a container template."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "storage": {"type": "str", "required": True},
        "archive": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        api = self.connect(arguments)
        archive, storage = Path(arguments["archive"]), arguments["storage"]
        volid = f"{storage}:vztmpl/{arguments['name']}"
        if not archive.is_file():
            raise ProxmoxFailed(f"{archive} is not there")
        content = api.read_list(f"storage/{storage}/content", content="vztmpl")
        if any(
            row["volid"] == volid and int(row["size"]) == archive.stat().st_size for row in content
        ):
            return {"changed": False, "volid": volid}
        if not self.check_mode:
            self._upload(api, storage, archive, arguments["name"])
        return {"changed": True, "volid": volid}

    def _upload(self, api: Api, storage: str, archive: Path, name: str) -> None:
        """Upload through a link: the storage uses the name of the opened file."""
        with tempfile.TemporaryDirectory(prefix="winux-upload-") as folder:
            link = Path(folder) / name
            link.symlink_to(archive)
            with link.open("rb") as file:
                upid = api.upload(storage, file)
        api.wait(f"uploading {name} to {storage}", upid)
