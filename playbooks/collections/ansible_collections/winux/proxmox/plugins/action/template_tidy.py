"""Removes uploaded archives of a template, which are not needed after it is created."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api
from ansible_collections.winux.proxmox.plugins.module_utils.failures import Missing


class ActionModule(ProxmoxAction):
    """Removes only archives with the names that the build assigns; others are not ours."""

    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "storage": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        api, storage = self.connect(arguments), arguments["storage"]
        ours = re.compile(
            rf"{re.escape(storage)}:vztmpl/winux-{re.escape(arguments['name'])}_[0-9a-f.]+_amd64\.tar\.zst"
        )
        found = [volid for volid in archives(api, storage) if ours.fullmatch(volid)]
        if self.check_mode:
            return {"changed": bool(found), "removed": found}
        kept: list[str] = []
        for volid in found:
            try:
                remove(api, storage, volid)
            except Missing as refusal:
                kept.append(f"{volid} stays on the storage: {refusal}")
        return {"changed": len(kept) < len(found), "removed": found} | (
            {"warnings": kept} if kept else {}
        )


def archives(api: Api, storage: str) -> list[str]:
    """Return the volume ids of the container archives on a storage."""
    rows = api.read_list(f"storage/{storage}/content", content="vztmpl")
    return [str(row["volid"]) for row in rows]


def remove(api: Api, storage: str, volid: str) -> None:
    """Remove one archive, and wait until it is removed."""
    api.run(
        f"removing {volid}",
        "delete",
        f"storage/{storage}/content/{volid}",
        lambda: volid not in archives(api, storage),
    )
