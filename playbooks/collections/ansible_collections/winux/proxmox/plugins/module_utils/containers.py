"""Operations on one container of the node, permitted only if it has our mark."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from ansible_collections.winux.proxmox.plugins.module_utils.addresses import parse_properties
from ansible_collections.winux.proxmox.plugins.module_utils.api import (
    LOCK_S,
    TASK_S,
    Api,
    NodeTrouble,
)
from ansible_collections.winux.proxmox.plugins.module_utils.failures import (
    Missing,
    ProxmoxFailed,
    Taken,
    TaskFailed,
)
from ansible_collections.winux.proxmox.plugins.module_utils.marks import has_mark
from ansible_collections.winux.proxmox.plugins.module_utils.patience import moments

#: A lock without a running task counts as left behind after this time.
STALE_S = 20
VISIBLE_S = 15


def is_disk_large(config: dict[str, Any], size_gb: int) -> bool:
    """Whether its root disk has at least that size, or a size that is not in gigabytes."""
    size = parse_properties(str(config.get("rootfs", ""))).get("size", "")
    return not size.endswith("G") or float(size[:-1]) >= size_gb


class Made(NamedTuple):
    """A complete container: its configuration, and whether this call created it."""

    config: dict[str, Any]
    is_new: bool


class Container:
    """A container id and the mark that identifies it as ours."""

    def __init__(self, api: Api, vmid: int, mark: str) -> None:
        self.api = api
        self.vmid = vmid
        self.mark = mark
        self.path = f"lxc/{vmid}"

    def find(self) -> dict[str, Any] | None:
        """Return its configuration; None if it is missing, or hidden from a pool-scoped token.

        A token that sees no container at all is refused: for it, all containers seem removed.
        """
        try:
            return self.api.read_config(self.vmid)
        except Missing as missing:
            if missing.is_refusal:
                self.api.check_sight()
            return None

    def find_ours(self, seen: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return its configuration, or None; raise Taken if it has another mark.

        `seen` is a configuration that the previous step has just read, to avoid another read.
        """
        config = seen or self.find()
        if config is not None and not has_mark(config, self.mark):
            name = config.get("hostname", "no name")
            raise Taken(
                f"container id {self.vmid} is taken by something else ({name}); it was not touched"
            )
        return config

    def elsewhere(self) -> Container | None:
        """Return the same container on the node it was moved to; None if no other node has it."""
        node = self.api.node_of(self.vmid)
        if node in (None, self.api.node):
            return None
        return Container(self.api.on(str(node)), self.vmid, self.mark)

    def is_running(self) -> bool:
        """Read the state from the container itself: the cluster's list lags by seconds."""
        return bool(self.api.read(f"{self.path}/status/current").get("status") == "running")

    def exists_with_mark(self) -> bool:
        """Whether a create with a lost response took effect; it shows after a moment."""
        return any(self.find_ours() is not None for _waited in moments(3, first_s=0.5))

    def create(self, path: str, what: str, **parameters: Any) -> Made:
        """Clone or create it with its mark in the same call, and wait until it is complete.

        If the container already exists with our mark, only waits.
        """
        is_new = True
        try:
            self.api.run(
                what, "post", path, self.exists_with_mark, description=self.mark, **parameters
            )
        except Missing as refusal:
            self.api.check_right(f"/pool/{parameters.get('pool')}", "VM.Allocate")
            raise refusal
        except (NodeTrouble, TaskFailed) as refusal:
            if "already exists" not in str(refusal):
                raise
            if self.find_hidden() is None:
                raise Taken(
                    f"container id {self.vmid} is taken by something else; it was not touched"
                ) from refusal
            is_new = False
        return Made(self.wait_until_whole(), is_new)

    def wait_until_whole(self) -> dict[str, Any]:
        """Wait until it is visible, is ours and has no lock."""
        for _waited in moments(VISIBLE_S):
            if (config := self.find_ours()) is not None:
                return config if "lock" not in config else self.wait_for_lock()
        raise ProxmoxFailed(
            f"container {self.vmid} is not there although Proxmox VE says it was made; is it "
            "in the token's pool?"
        )

    def wait_for_lock(self) -> dict[str, Any]:
        """Wait for the end of its tasks; return its configuration, {} if they removed it."""
        idle_since: float | None = None
        lock = ""
        for waited in moments(TASK_S):
            config = self.find_ours()
            if config is None or "lock" not in config:
                return config or {}
            lock = config["lock"]
            if self._tasks():
                idle_since = None
            elif idle_since is None:
                idle_since = waited
            elif waited - idle_since > STALE_S:
                break
        raise ProxmoxFailed(
            f"container {self.vmid} is locked ({lock}) and no task works on it: an "
            f"interrupted one left that. On the node, as root: pct unlock {self.vmid}; then again."
        )

    def find_hidden(self) -> dict[str, Any] | None:
        """Like `find_ours`, but waits for one being created, which joins the pool at the end."""
        config = self.find_ours()
        if config is None:
            for upid in self._tasks():
                with suppress(TaskFailed):
                    self.api.wait(f"task {upid}", upid)
            config = self.find_ours()
        return config

    def _tasks(self) -> list[str]:
        """Return running tasks that may work on it: its own tasks, and clones.

        A clone's task has the id of its source and does not name its target.
        """
        tasks = self.api.read_list("tasks", source="active")
        return [
            str(task["upid"])
            for task in tasks
            if "endtime" not in task
            and (str(task.get("id")) == str(self.vmid) or task.get("type") == "vzclone")
        ]

    def set_options(self, options: dict[str, Any]) -> None:
        """PUT its configuration; safe to repeat, so a lost response needs no check."""
        self.api.write("put", f"{self.path}/config", lambda: False, **options)

    def grow_disk(self, size_gb: int) -> None:
        """Grow its disk to that size.

        Proxmox VE refuses a second resize to the same size. Therefore check the size after a lost
        response, and again after a refusal: the task may still have run at the first check.
        """

        def has_grown() -> bool:
            return is_disk_large(self.find_ours() or {}, size_gb)

        try:
            self.api.run(
                f"growing the disk of container {self.vmid}",
                "put",
                f"{self.path}/resize",
                has_grown,
                disk="rootfs",
                size=f"{size_gb}G",
            )
        except NodeTrouble:
            if not has_grown():
                raise

    def start(self) -> bool:
        """Start it; return whether that was necessary."""
        try:
            has_started = self.api.run(
                f"starting container {self.vmid}",
                "post",
                f"{self.path}/status/start",
                self.is_running,
            )
        except (NodeTrouble, TaskFailed) as refusal:
            if "already running" not in str(refusal):
                raise
            return False
        # A task that the node has forgotten may still be running.
        if not has_started and not any(self.is_running() for _waited in moments(VISIBLE_S)):
            raise ProxmoxFailed(
                f"container {self.vmid} was started and does not run; see its log on the node: "
                f"pct start {self.vmid} --debug"
            )
        return True

    def stop(self) -> None:
        """Stop it and wait until it no longer runs."""
        self._bring_down("stop")

    def shut_down(self, patience_s: int) -> bool:
        """Shut it down, by force after `patience_s` seconds; return whether it ran."""
        return self._bring_down("shutdown", timeout=patience_s, forceStop=1)

    def _bring_down(self, how: str, **parameters: Any) -> bool:
        for waited in moments(LOCK_S, first_s=0.3, longest_s=5):
            if not self.is_running():
                return waited > 0
            try:
                self.api.run(
                    f"{how} of container {self.vmid}",
                    "post",
                    f"{self.path}/status/{how}",
                    lambda: not self.is_running(),
                    **parameters,
                )
            except (NodeTrouble, TaskFailed) as refusal:
                if "not running" not in str(refusal):  # otherwise it stopped by itself meanwhile
                    raise
        raise ProxmoxFailed(f"container {self.vmid} still runs after {LOCK_S} s of stopping it")

    def settle(self) -> None:
        """Wait for running power tasks; their result does not matter for what follows."""
        for upid in self._tasks():
            if f":{self.vmid}:" in upid:
                with suppress(TaskFailed):
                    self.api.wait(f"task {upid}", upid)

    def remove(self) -> bool:
        """Wait for its tasks, stop it, delete it, verify its removal; return whether it existed.

        Works on any node, because an administrator may have moved the container.
        """
        if self.find_hidden() is None:
            moved = self.elsewhere()
            return moved.remove() if moved else False
        for _waited in moments(LOCK_S, first_s=0.3, longest_s=5):
            try:
                if not self.wait_for_lock():
                    return True
                self.stop()
                self.api.run(
                    f"removing container {self.vmid}",
                    "delete",
                    self.path,
                    lambda: self.find() is None,
                    purge=1,
                )
            except Missing:
                if self.find() is not None:  # still there, so a right is missing
                    raise
            except NodeTrouble as refusal:
                if "is running" not in str(refusal):  # started meanwhile: try again
                    raise
            if self.find() is None:
                return True
        raise ProxmoxFailed(f"container {self.vmid} is still there after {LOCK_S} s of removing it")
