# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of our actions: checked arguments, failures as a message, the connection's options.

They are action plugins and not modules because they run on the controller in any case: a module
needs 0.35 s for its own Python process, an action 0.08 s
(docs/decisions/0007-own-proxmox-actions.md).
"""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.marks import desktop_mark

CONNECTION = {
    "api_host": {"type": "str", "required": True},
    "api_port": {"type": "int", "default": 8006},
    "api_user": {"type": "str", "required": True},
    "api_token_id": {"type": "str", "required": True},
    "api_token_secret": {"type": "str", "no_log": True},
    "secrets_file": {"type": "path"},
    "ca_file": {"type": "path"},
    "node": {"type": "str", "required": True},
}


DESKTOP = CONNECTION | {
    "vmid": {"type": "int", "required": True},
    "portal_id": {"type": "str", "required": True},
    "session_id": {"type": "str", "required": True},
}


class WinuxAction(ActionBase):
    """An action of this collection: `spec` are its options, `act` returns its result."""

    spec: ClassVar[dict[str, Any]] = {}
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _valid, arguments = self.validate_argument_spec(self.spec)
        try:
            return result | self.act(arguments)
        except ProxmoxFailed as failure:
            told = {"failed": True, "changed": False, "msg": str(failure)}
            return result | told | {"reason": failure.reason}

    @abstractmethod
    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Perform the action; with `self.check_mode`, only report what would change."""

    @property
    def check_mode(self) -> bool:
        return bool(self._task.check_mode)


class ProxmoxAction(WinuxAction):
    """An action that connects to a node."""

    def connect(self, arguments: dict[str, Any]) -> Api:
        """Return the API, with the secret from the secrets file or the options."""
        secret = (
            read_secrets(arguments["secrets_file"]).get("proxmox_api_token_secret")
            or arguments["api_token_secret"]
        )
        if not secret:
            raise ProxmoxFailed(
                "there is no API token secret: set proxmox_api_token_secret in the settings file"
            )
        return Api(arguments | {"api_token_secret": secret})

    def container(self, arguments: dict[str, Any]) -> Container:
        """Return the container of a desktop (`DESKTOP` are its options)."""
        mark = desktop_mark(arguments["portal_id"], arguments["session_id"])
        return Container(self.connect(arguments), arguments["vmid"], mark)


def read_secrets(path: str | None) -> dict[str, str]:
    """Return the JSON object of a file that only its owner can read; {} without a file."""
    if not path:
        return {}
    try:
        if Path(path).stat().st_mode & 0o077:
            raise ProxmoxFailed(f"secrets_file {path} can be read by others: chmod 600 {path}")
        return dict(json.loads(Path(path).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ProxmoxFailed(
            f"secrets_file {path} cannot be read: {type(error).__name__}"
        ) from error


def write_private(path: str, content: dict[str, Any]) -> bool:
    """Write JSON atomically for the owner only; return whether the file changed."""
    target = Path(path)
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    try:
        if target.is_file() and target.read_text() == text:
            return False
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        part.replace(target)
    except OSError as error:
        raise ProxmoxFailed(f"{path} cannot be written: {error.strerror}") from error
    return True
