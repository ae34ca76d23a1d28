"""Writes connection details into a file that only its owner can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import (
    WinuxAction,
    read_secrets,
    write_private,
)


class ActionModule(WinuxAction):
    spec: ClassVar[dict[str, Any]] = {
        "path": {"type": "path", "required": True},
        "content": {"type": "dict", "required": True},
        "keep": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"changed": False, "path": arguments["path"]}
        content = {name: value for name, value in arguments["content"].items() if value is not None}
        before = self._before(arguments["path"]) if arguments["keep"] else {}
        kept = {name: before[name] for name in arguments["keep"] if name in before}
        return {
            "changed": write_private(arguments["path"], kept | content),
            "path": arguments["path"],
        }

    def _before(self, path: str) -> dict[str, str]:
        return read_secrets(path) if Path(path).is_file() else {}
