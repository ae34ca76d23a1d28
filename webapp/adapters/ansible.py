"""Makes and removes desktops with the playbooks: `ports.Provisioner` on ansible-runner."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from webapp.adapters.build_result import parse_result
from webapp.adapters.guest import ask_guest
from webapp.adapters.guest_answer import parse_answer, parse_since_input
from webapp.adapters.redaction import redact
from webapp.adapters.run_process import RunPlace, RunProcess
from webapp.config import Config
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import BAD_INPUT
from webapp.ports import AdoptOrder, AssignOrder, BuildOrder, BuildResult, ResumeOrder

log = logging.getLogger(__name__)
T = TypeVar("T")

CREATE = "create-winux-session.yml"
ADOPT = "adopt-winux-session.yml"
ASSIGN = "assign-winux-session.yml"
DESTROY = "destroy-winux-session.yml"
PAUSE = "pause-winux-session.yml"
RESUME = "resume-winux-session.yml"
REMOVE_TEMPLATE = "template-remove.yml"
#: How long a run waits for a lock on its template before the worker does other work.
LOCK_PATIENCE_S = 5
#: How long after a desktop's build further builds are expected.
BUSY_S = 600.0


class AnsibleProvisioner:
    """Runs the playbooks, each run in a child process of its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._place = RunPlace(config.run_dir, config.secrets_dir, config.portal_id)
        self._lock = threading.Lock()
        self._waiting: deque[RunProcess] = deque()
        self._most = 0
        self._created_at = 0.0

    def warm_up(self, runs: int) -> None:
        """Keep one run of the create playbook waiting, or `runs` while desktops are built."""
        self.sweep()
        self._most = runs
        self._fill_up(min(runs, 1))

    def cool_down(self) -> None:
        """Close all waiting runs but one after a time without builds: each uses 50 MB."""
        while time.monotonic() - self._created_at > BUSY_S:
            with self._lock:
                if len(self._waiting) <= 1:
                    return
                run = self._waiting.popleft()
            run.close()

    def sweep(self) -> None:
        """Remove the files of runs whose processes were all killed."""
        self._place.sweep()

    def close(self) -> None:
        """End the waiting runs."""
        self._most = 0
        while self._waiting:
            self._waiting.popleft().close()

    # -- ports.Provisioner ------------------------------------------------------------------------

    def create(
        self, order: BuildOrder, *, on_step: Callable[[str], None], is_cancelled: Callable[[], bool]
    ) -> BuildResult:
        try:
            result = self._run(
                self._take_waiting() or self._start(CREATE),
                self._create_vars(order),
                {"rdp_password": order.rdp_password},
                self._config.build_timeout,
                on_step,
                is_cancelled,
            )
        finally:
            self._created_at = time.monotonic()
            self._fill_up(self._most)
        return parse_result(result)

    def assign(
        self,
        order: AssignOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> BuildResult:
        result = self._run(
            self._start(ASSIGN),
            self._assign_vars(order),
            {"rdp_password": order.rdp_password},
            self._config.build_timeout,
            on_step,
            is_cancelled,
        )
        return parse_result(result)

    def adopt(self, order: AdoptOrder, *, is_cancelled: Callable[[], bool]) -> BuildResult:
        variables = {
            "session_id": order.made_as.desktop_id,
            "portal_id": order.made_as.portal_id,
            "adopter_session_id": order.desktop_id,
            "adopter_portal_id": self._config.portal_id,
            "container_id": order.vmid,
            "proxmox_node": order.node or self._config.proxmox.node,
            "rdp_username": order.rdp_username,
            "keyboard_layout": order.keyboard_layout,
            "deadline_epoch": int(order.deadline_at.timestamp()),
            "guest_key_file": str(self._config.guest_key_file),
        }
        result = self._run(
            self._start(ADOPT),
            variables,
            {"rdp_password": order.rdp_password},
            self._config.build_timeout,
            lambda _step: None,
            is_cancelled,
        )
        return parse_result(result)

    def pause(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._run(
            self._start(PAUSE),
            self._desktop_vars(desktop_id, vmid, node),
            {},
            self._config.destroy_timeout,
            on_step,
            is_cancelled,
        )

    def resume(
        self,
        order: ResumeOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._run(
            self._start(RESUME),
            self._resume_vars(order),
            {},
            self._config.build_timeout,
            on_step,
            is_cancelled,
        )

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run(
            self._start(DESTROY),
            self._desktop_vars(desktop_id, vmid, node),
            {},
            self._config.destroy_timeout,
            lambda _step: None,
            is_cancelled,
        )

    def remove_template(
        self,
        vmid: int,
        version: str,
        *,
        node: str,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run(
            self._start(REMOVE_TEMPLATE),
            {"template_vmid": vmid, "template_version": version, "proxmox_node": node},
            {},
            self._config.destroy_timeout,
            lambda _step: None,
            is_cancelled,
        )

    def set_deadline(self, address: str, ssh_host_key_sha256: str, deadline_at: datetime) -> None:
        request = {"do": "deadline", "deadline_epoch": int(deadline_at.timestamp())}
        self._ask(address, ssh_host_key_sha256, request, parse_answer)

    def warn(self, address: str, ssh_host_key_sha256: str, text: str) -> None:
        request = {"do": "warn", "text": text}
        self._ask(address, ssh_host_key_sha256, request, parse_answer)

    def since_input(self, address: str, ssh_host_key_sha256: str) -> timedelta | None:
        request = {"do": "since_input"}
        seconds = self._ask(address, ssh_host_key_sha256, request, parse_since_input)
        return None if seconds is None else timedelta(seconds=seconds)

    def _ask(
        self,
        address: str,
        ssh_host_key_sha256: str,
        request: dict[str, Any],
        parse: Callable[[bytes], T],
    ) -> T:
        key_file = self._config.guest_key_file
        return ask_guest(address, ssh_host_key_sha256, key_file, request, parse)

    # -- runs -------------------------------------------------------------------------------------

    def _start(self, playbook: str) -> RunProcess:
        return RunProcess(
            self._place,
            self._config.playbooks_dir / playbook,
            self._config.inventory,
            environment(self._config),
        )

    def _take_waiting(self) -> RunProcess | None:
        while True:
            with self._lock:
                if not self._waiting:
                    return None
                run = self._waiting.popleft()
            if run.is_alive:
                return run
            run.close()

    def _fill_up(self, runs: int) -> None:
        """Start runs ahead to save time; if that fails, the next build starts its own run."""
        try:
            with self._lock:
                while len(self._waiting) < runs:
                    self._waiting.append(self._start(CREATE))
        except OutsideFailed as error:
            log.warning("%s", error)

    def _run(
        self,
        process: RunProcess,
        variables: dict[str, Any],
        secrets: dict[str, str],
        timeout: timedelta,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> Any:
        secrets = secrets | {"proxmox_api_token_secret": self._config.proxmox.token_secret}
        request = {"vars": variables, "secrets": secrets, "timeout": timeout.total_seconds()}
        end = process.run(request, on_step=on_step, is_cancelled=is_cancelled)
        if end["status"] != "successful":
            raise OutsideFailed(
                redact(end["message"] or "The playbook failed without a word.", secrets.values()),
                retry=True,
                log=redact(end["log"], secrets.values()),
                reason=end.get("reason") or _reason_in(end["message"] or ""),
            )
        return end["result"]

    def _desktop_vars(self, desktop_id: str, vmid: int, node: str | None) -> dict[str, Any]:
        return {
            "session_id": desktop_id,
            "container_id": vmid,
            "portal_id": self._config.portal_id,
            "proxmox_node": node or self._config.proxmox.node,
        }

    def _resume_vars(self, order: ResumeOrder) -> dict[str, Any]:
        return self._desktop_vars(order.desktop_id, order.vmid, order.node) | {
            "ssh_host_key_sha256": order.ssh_host_key_sha256,
            "rdp_certificate_sha256": order.rdp_certificate_sha256,
            "deadline_epoch": int(order.deadline_at.timestamp()),
            "guest_key_file": str(self._config.guest_key_file),
        }

    def _assign_vars(self, order: AssignOrder) -> dict[str, Any]:
        return self._desktop_vars(order.desktop_id, order.vmid, order.node) | {
            "ssh_host_key_sha256": order.ssh_host_key_sha256,
            "rdp_username": order.rdp_username,
            "keyboard_layout": order.keyboard_layout,
            "deadline_epoch": int(order.deadline_at.timestamp()),
            "guest_key_file": str(self._config.guest_key_file),
        }

    def _create_vars(self, order: BuildOrder) -> dict[str, Any]:
        return {
            "session_id": order.desktop_id,
            "session_duration": order.minutes,
            "container_id": order.vmid,
            "proxmox_node": order.node,
            "template_vmid": order.template_vmid,
            "lock_patience_s": LOCK_PATIENCE_S,
            "container_address": order.address,
            "container_router": order.router,
            "container_bridge": order.bridge,
            "rdp_username": order.rdp_username,
            "keyboard_layout": order.keyboard_layout,
            "memory_mb": order.memory_mb,
            "swap_mb": order.swap_mb,
            "cores": order.cores,
            "disk_gb": order.disk_gb,
            "nesting": order.nesting,
            "portal_id": self._config.portal_id,
            "deadline_epoch": int(order.deadline_at.timestamp()),
            "guest_key_file": str(self._config.guest_key_file),
        }


def environment(config: Config) -> dict[str, str]:
    """Returns the whole environment of a run: no secret, and only the variables that it needs."""
    proxmox = config.proxmox
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "USER") if name in os.environ}
    return kept | {
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config.playbooks_dir / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "WINUX_ENV_FILE": os.devnull,  # all that a run needs is here; no file may add to it
        "WINUX_GUEST_KEY_FILE": str(config.guest_key_file),
        "proxmox_api_host": proxmox.host,
        "proxmox_api_port": str(proxmox.port),
        "proxmox_api_user": proxmox.user,
        "proxmox_api_token_id": proxmox.token_id,
        "proxmox_node": proxmox.node,
        "proxmox_ca_file": str(proxmox.ca_file or ""),
        "proxmox_storage": proxmox.storage,
        "proxmox_pool": proxmox.pool,
        "proxmox_bridge": proxmox.bridge,
    }


def _reason_in(message: str) -> str:
    """Returns the reason at the start of a winux-guest refusal; its task reports only text."""
    return BAD_INPUT if "refused: bad input:" in message else ""
