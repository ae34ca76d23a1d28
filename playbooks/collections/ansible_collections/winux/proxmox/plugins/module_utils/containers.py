"""One container on the node: look, wait, change, remove. Only with our mark on it."""

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

#: A lock without a running task is given this long before it counts as left behind.
STALE_S = 20
VISIBLE_S = 15


def is_disk_large(config: dict[str, Any], size_gb: int) -> bool:
    """Whether its root disk has that size, or one that is not told in gigabytes."""
    size = parse_properties(str(config.get("rootfs", ""))).get("size", "")
    return not size.endswith("G") or float(size[:-1]) >= size_gb


class Made(NamedTuple):
    """A container that is whole: its configuration, and whether it was not there before."""

    config: dict[str, Any]
    is_new: bool


class Container:
    """A container id and the mark that makes it ours."""

    def __init__(self, api: Api, vmid: int, mark: str) -> None:
        self.api = api
        self.vmid = vmid
        self.mark = mark
        self.path = f"lxc/{vmid}"

    def find(self) -> dict[str, Any] | None:
        """Its configuration; None: not there, or hidden, which a pool-scoped token cannot tell.

        A token that sees nothing at all is refused: it would take everything for gone.
        """
        try:
            return self.api.read_config(self.vmid)
        except Missing as missing:
            if missing.is_refusal:
                self.api.check_sight()
            return None

    def find_ours(self, seen: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Its configuration, or None; Taken if it is somebody else's.

        `seen` is what the step before this one read a moment ago; then it is not read again.
        """
        config = seen or self.find()
        if config is not None and not has_mark(config, self.mark):
            name = config.get("hostname", "no name")
            raise Taken(
                f"container id {self.vmid} is taken by something else ({name}); it was not touched"
            )
        return config

    def elsewhere(self) -> Container | None:
        """The same container on the node that it was moved to; None: it is on no other."""
        node = self.api.node_of(self.vmid)
        if node in (None, self.api.node):
            return None
        return Container(self.api.on(str(node)), self.vmid, self.mark)

    def is_running(self) -> bool:
        """Read from the container itself: the cluster's list lags by seconds."""
        return bool(self.api.read(f"{self.path}/status/current").get("status") == "running")

    def exists_with_mark(self) -> bool:
        """Whether a create whose answer was lost did happen; it shows a moment later."""
        return any(self.find_ours() is not None for _waited in moments(3, first_s=0.5))

    def create(self, path: str, what: str, **parameters: Any) -> Made:
        """Clone or create, marked in the same call, and wait until it is whole; unless it is there
        already."""
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
        """Until it can be seen, is ours and has no lock."""
        for _waited in moments(VISIBLE_S):
            if (config := self.find_ours()) is not None:
                return config if "lock" not in config else self.wait_for_lock()
        raise ProxmoxFailed(
            f"container {self.vmid} is not there although Proxmox VE says it was made; is it "
            "in the token's pool?"
        )

    def wait_for_lock(self) -> dict[str, Any]:
        """Until what is under way has ended; its configuration, {} if that removed it."""
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
        """Like `find_ours`, also one being made: it joins the pool, and shows, at the very end."""
        config = self.find_ours()
        if config is None:
            for upid in self._tasks():
                with suppress(TaskFailed):
                    self.api.wait(f"task {upid}", upid)
            config = self.find_ours()
        return config

    def _tasks(self) -> list[str]:
        """Running tasks that may be working on it: its own ones, and clones.

        A clone's task carries the id of its source and does not say what it makes.
        """
        tasks = self.api.read_list("tasks", source="active")
        return [
            str(task["upid"])
            for task in tasks
            if "endtime" not in task
            and (str(task.get("id")) == str(self.vmid) or task.get("type") == "vzclone")
        ]

    def set_options(self, options: dict[str, Any]) -> None:
        """PUT of its configuration; safe to repeat, so a lost answer needs no look."""
        self.api.write("put", f"{self.path}/config", lambda: False, **options)

    def grow_disk(self, size_gb: int) -> None:
        """Until its disk has that size: growing it once more is refused, so a lost answer needs a
        look, also when the task was still at it at the first one."""

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
        """Whether it had to be started."""
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
        # A task that the node has forgotten may still be at it.
        if not has_started and not any(self.is_running() for _waited in moments(VISIBLE_S)):
            raise ProxmoxFailed(
                f"container {self.vmid} was started and does not run; see its log on the node: "
                f"pct start {self.vmid} --debug"
            )
        return True

    def stop(self) -> None:
        """Until it does not run any more."""
        self._bring_down("stop")

    def shut_down(self, patience_s: int) -> bool:
        """Cleanly, and by force after `patience_s`; whether it ran."""
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
                if "not running" not in str(refusal):  # else it went down by itself meanwhile
                    raise
        raise ProxmoxFailed(f"container {self.vmid} still runs after {LOCK_S} s of stopping it")

    def settle(self) -> None:
        """Until no start, stop or shutdown of it is under way: it says little of what follows."""
        for upid in self._tasks():
            if f":{self.vmid}:" in upid:
                with suppress(TaskFailed):
                    self.api.wait(f"task {upid}", upid)

    def remove(self) -> bool:
        """Wait for what is under way, stop, delete, look that it is gone; whether it was there.

        On whichever node it is: somebody may have moved it.
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
                if self.find() is not None:  # not gone between two looks: a right is missing
                    raise
            except NodeTrouble as refusal:
                if "is running" not in str(refusal):  # started by somebody a moment ago: once more
                    raise
            if self.find() is None:
                return True
        raise ProxmoxFailed(f"container {self.vmid} is still there after {LOCK_S} s of removing it")
