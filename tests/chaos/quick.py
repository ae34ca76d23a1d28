"""A provisioner that does part of its work without Ansible: the same actions in sequence.

A playbook run costs about a second of processor time, nearly all of it in Ansible. Thousands of
desktops are created with the collection's own actions in the worker's process: the same calls to
the node, in the same order, with the same timeouts. `share` is the fraction that real playbooks do.
"""

import json
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from webapp.adapters.ansible import LOCK_PATIENCE_S, AnsibleProvisioner
from webapp.config import ROOT, Config
from webapp.domain.errors import OutsideFailed
from webapp.ports import BuildOrder, BuildResult, ResumeOrder

sys.path.append(str(ROOT / "playbooks/collections"))

from ansible_collections.winux.proxmox.plugins.action import (
    container_clone,
    container_configure,
    container_pause,
    container_remove,
    container_start,
    guest_deadline,
    guest_personalise,
    rdp_verify,
)
from ansible_collections.winux.proxmox.plugins.module_utils.failures import (
    ProxmoxFailed,
)

log = logging.getLogger(__name__)

#: The kinds of a build or removal, as logged for each.
KINDS = ("played", "shortened")
#: The attributes of a task that an action reads.
TASK = SimpleNamespace(check_mode=False)


class QuickProvisioner(AnsibleProvisioner):
    """Runs real playbooks for a share of the work, and only their actions for the rest."""

    def __init__(self, config: Config, share: float, seed: int = 0) -> None:
        super().__init__(config)
        self._settings = config
        self._share = share
        self._random = random.Random(seed)

    def warm_up(self, runs: int) -> None:
        super().warm_up(runs if self._share else 0)

    def create(
        self, order: BuildOrder, *, on_step: Callable[[str], None], is_cancelled: Callable[[], bool]
    ) -> BuildResult:
        if self._is_played():
            return super().create(order, on_step=on_step, is_cancelled=is_cancelled)
        values = self._create_vars(order)
        desktop = self._desktop(order.desktop_id, order.vmid, order.node)
        network = {"bridge": order.bridge, "address": order.address, "router": order.router}
        size = {
            name: values[name] for name in ("memory_mb", "swap_mb", "cores", "disk_gb", "nesting")
        }
        run = _Steps(on_step, is_cancelled)
        cloned = run("desktop_clone", container_clone, desktop | self._source(order))
        configured = run(
            "desktop_configure",
            container_configure,
            desktop
            | size
            | network
            | {"network": None, "check_address": False, "seen": cloned["config"]},
        )
        run(
            "desktop_start",
            container_start,
            desktop | {"settle": False, "seen": configured["config"]},
        )
        known = self._personalise(run, order, values)
        certificate = known["rdp_certificate_sha256"]
        address = order.address.partition("/")[0]
        run("desktop_verify", rdp_verify, {"address": address, "certificate_sha256": certificate})
        return BuildResult(
            order.node,
            address,
            known["ssh_host_key_sha256"],
            certificate,
            known["rdp_certificate_pem"],
        )

    def pause(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        if self._is_played():
            super().pause(desktop_id, vmid, node=node, on_step=on_step, is_cancelled=is_cancelled)
        else:
            run = _Steps(on_step, is_cancelled)
            desktop = self._desktop(desktop_id, vmid, node)
            run("desktop_pause", container_pause, desktop | {"patience_s": 20})

    def resume(
        self,
        order: ResumeOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        if self._is_played():
            super().resume(order, on_step=on_step, is_cancelled=is_cancelled)
            return
        run = _Steps(on_step, is_cancelled)
        desktop = self._desktop(order.desktop_id, order.vmid, order.node)
        started = run("desktop_start", container_start, desktop | {"settle": True, "seen": None})
        values = self._resume_vars(order)
        told = {
            "address": started["address"],
            "key_file": values["guest_key_file"],
            "ssh_host_key_sha256": order.ssh_host_key_sha256,
            "deadline_epoch": values["deadline_epoch"],
        }
        run("desktop_resume", guest_deadline, told)
        certificate = {"certificate_sha256": order.rdp_certificate_sha256}
        run("desktop_resume", rdp_verify, {"address": started["address"], **certificate})

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        if self._is_played():
            super().destroy(desktop_id, vmid, node=node, is_cancelled=is_cancelled)
        else:
            run = _Steps(lambda _step: None, is_cancelled)
            run("desktop_destroy", container_remove, self._desktop(desktop_id, vmid, node))

    def _is_played(self) -> bool:
        is_played = self._random.random() < self._share
        log.info("chaos: %s", KINDS[not is_played])
        return is_played

    def _source(self, order: BuildOrder) -> dict[str, Any]:
        proxmox = self._settings.proxmox
        return {
            "template_vmid": order.template_vmid,
            "template_name": "",
            "pool": proxmox.pool,
            "storage": proxmox.storage,
            "lock_patience": LOCK_PATIENCE_S,
        }

    def _desktop(self, desktop_id: str, vmid: int, node: str | None) -> dict[str, Any]:
        """Return the options that every action on a container has."""
        proxmox = self._settings.proxmox
        return {
            "api_host": proxmox.host,
            "api_port": proxmox.port,
            "api_user": proxmox.user,
            "api_token_id": proxmox.token_id,
            "api_token_secret": proxmox.token_secret,
            "secrets_file": None,
            "ca_file": str(proxmox.ca_file or ""),
            "node": node or proxmox.node,
            "vmid": vmid,
            "portal_id": self._settings.portal_id,
            "session_id": desktop_id,
        }

    def _personalise(
        self, run: "_Steps", order: BuildOrder, values: dict[str, Any]
    ) -> dict[str, Any]:
        with in_memory({"rdp_password": order.rdp_password}) as secrets_file:
            return run(
                "desktop_personalise",
                guest_personalise,
                {
                    "address": order.address.partition("/")[0],
                    "key_file": values["guest_key_file"],
                    "secrets_file": secrets_file,
                    "username": order.rdp_username,
                    "keyboard_layout": order.keyboard_layout,
                    "deadline_epoch": values["deadline_epoch"],
                    "duration_minutes": order.minutes,
                },
            )


class _Steps:
    """Runs actions like a playbook: reports each step, and can be cancelled between steps."""

    def __init__(self, on_step: Callable[[str], None], is_cancelled: Callable[[], bool]) -> None:
        self._on_step = on_step
        self._is_cancelled = is_cancelled

    def __call__(self, step: str, action: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._is_cancelled():
            raise OutsideFailed("It was cancelled.", retry=True)
        self._on_step(step)
        one = action.ActionModule.__new__(action.ActionModule)
        one._task = TASK
        try:
            return dict(one.act(arguments))
        except ProxmoxFailed as failure:
            raise OutsideFailed(str(failure), retry=True, reason=failure.reason) from failure


@contextmanager
def in_memory(content: dict[str, str]) -> Iterator[str]:
    """Yield the path of a memory file with `content`, which ends with this process in any case."""
    file = os.memfd_create("secrets")
    try:
        os.fchmod(file, 0o600)
        os.write(file, json.dumps(content).encode())
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)
