"""The containers of this node: their configuration, locks and state."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from labnode.access import Access
from labnode.backend import (
    Backend,
    BackendError,
    ContainerConfig,
    Usage,
    parse_config,
    parse_properties,
    parse_size_gb,
)
from labnode.errors import Failed
from labnode.firewall import Firewall
from labnode.options import Config
from labnode.store import Document, Store
from labnode.tasks import Log

GIB = 1024**3
DEFAULT_DISK_GB = 4
HOST_CPUS = os.cpu_count() or 1
LOCK_WAIT_S = 10.0
PRESSURE = [f"pressure{what}{how}" for what in ("cpu", "io", "memory") for how in ("some", "full")]


class Guests:
    """Container configurations by vmid; the running state is read from the backend each time."""

    def __init__(
        self,
        store: Store,
        backend: Backend,
        access: Access,
        node: str,
        first: Guests | None = None,
    ) -> None:
        """`first` are the guests of the cluster's first node: vmids are unique in the cluster."""
        self._table = store.table(f"guest@{node}" if first else "guest")
        self._backend, self._access, self.node = backend, access, node
        self._change: threading.RLock = first._change if first else threading.RLock()
        self._all: list[Guests] = first._all if first else []
        self._all.append(self)
        self.firewall: Firewall = first.firewall if first else Firewall(store)
        self._file_locks: dict[int, threading.Lock] = {}
        self._bridges: set[str] = set()

    def recover(self, kept: set[int]) -> None:
        """After a crash: roll interrupted creates and clones back, release the sources' locks.

        `kept` are the copies that snapshots need.
        """
        for vmid in self.vmids():
            lock = self.config(vmid).get("lock")
            if lock == "create" or lock == "destroyed":
                self._backend.destroy(vmid)
                self.forget(vmid)
            elif lock:
                self.unlock(vmid)
        for vmid in self._backend.existing() - set(self.vmids()) - kept:
            self._backend.destroy(vmid)

    @property
    def is_further(self) -> bool:
        """Whether its node is not the cluster's first, whose tables have plain names."""
        return self._all[0] is not self

    # -- configuration

    def vmids(self) -> list[int]:
        """All vmids in ascending order."""
        return sorted(int(vmid) for vmid in self._table)

    def taken(self) -> set[int]:
        """The vmids of all nodes of the cluster."""
        return {vmid for guests in self._all for vmid in guests.vmids()}

    def config(self, vmid: int) -> Config:
        """Return the configuration; raise Failed if there is no such container."""
        config = self._table.get(vmid)
        if config is None:
            name = f"nodes/{self.node}/lxc/{vmid}.conf"
            raise Failed(f"Configuration file '{name}' does not exist")
        return dict(config)

    def find(self, vmid: int) -> Config | None:
        """Return the configuration, or None if the container was just removed."""
        return self._table.get(vmid)

    def settings(self, vmid: int) -> ContainerConfig:
        """Return the part of the configuration that the backend applies."""
        return parse_config(vmid, self.config(vmid))

    def check_unused(self, vmid: int) -> None:
        """Refuse a vmid that is taken on any node."""
        for guests in self._all:
            if vmid in guests._table:
                raise Failed(f"CT {vmid} already exists on node '{guests.node}'")

    def check_lock(self, vmid: int) -> Config:
        """Return the configuration of an unlocked container; refuse a locked one."""
        config = self.config(vmid)
        if "lock" in config:
            raise Failed(f"CT is locked ({config['lock']})")
        return config

    def check_bridge(self, config: Config) -> None:
        """Refuse a bridge that this host does not have."""
        for key, value in config.items():
            bridge = parse_properties(value).get("bridge") if key.startswith("net") else None
            if bridge and bridge not in self._bridges:
                raise Failed(f"bridge '{bridge}' does not exist")

    def use_bridges(self, names: set[str]) -> None:
        """Set the bridges that exist."""
        self._bridges = names

    def reserve(self, vmid: int, config: Config) -> None:
        """Reserve a free vmid with `lock: create`; of several concurrent calls one succeeds."""
        with self._change:
            self.check_unused(vmid)
            self._table.put(vmid, {**config, "lock": "create"})

    def lock(self, vmid: int, name: str) -> Config:
        """Set a lock in the configuration; refuse if there is one."""
        with self._change:
            config = self.check_lock(vmid)
            self._table.put(vmid, {**config, "lock": name})
            return config

    def unlock(self, vmid: int) -> None:
        """Remove the lock from the configuration."""
        self.update(vmid, {}, ["lock"])

    def update(self, vmid: int, values: Config, deleted: list[str] | None = None) -> None:
        """Set and delete options."""
        with self._change:
            config = {**self.config(vmid), **values}
            self._table.put(vmid, {k: v for k, v in config.items() if k not in (deleted or [])})

    def replace(self, vmid: int, config: Config) -> None:
        """Write a whole configuration."""
        with self._change:
            self._table.put(vmid, config)

    def forget(self, vmid: int) -> None:
        """Remove a deleted container from all tables."""
        with self._change:
            self._table.delete(vmid)
            self._access.forget_guest(vmid)
            self.firewall.forget(vmid)
            self._file_locks.pop(vmid, None)

    @contextmanager
    def file_lock(self, vmid: int, log: Log | None = None) -> Iterator[None]:
        """Hold the container's lock file, as start, stop, shutdown and changes do throughout."""
        lock = self._file_locks.setdefault(vmid, threading.Lock())
        if not lock.acquire(blocking=False):
            self._wait_for(lock, vmid, log)
        try:
            yield
        finally:
            lock.release()

    def _wait_for(self, lock: threading.Lock, vmid: int, log: Log | None) -> None:
        if log:
            log("trying to acquire lock...")
        if not lock.acquire(timeout=LOCK_WAIT_S):
            raise Failed(f"can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout")
        if log:
            log(" OK")

    # -- state

    def start(self, vmid: int, *, skip_lock: bool = False) -> None:
        """Start a stopped container; returns when it runs."""
        config = self.config(vmid)
        if config.get("template") == "1":
            raise Failed("you can't start a CT if it's a template")
        if not skip_lock:
            self.check_lock(vmid)
        self.check_bridge(config)
        self._backend.start(vmid, self.settings(vmid))

    def is_running(self, vmid: int) -> bool:
        """Whether it runs now."""
        return self._backend.is_running(vmid)

    def status(self, vmid: int, config: Config) -> Document:
        """Return the row of the container list."""
        running = self.is_running(vmid)
        usage = self._usage(vmid) if running else Usage()
        memory, swap = (int(config.get(key, "512").strip() or 0) for key in ("memory", "swap"))
        row: Document = {
            "vmid": vmid,
            "type": "lxc",
            "name": config.get("hostname", f"CT{vmid}"),
            "status": "running" if running else "stopped",
            "cpu": usage.cpu,
            "cpus": int(config.get("cores", 0)) or HOST_CPUS,
            "mem": usage.mem,
            "maxmem": memory * 1024**2,
            "swap": 0,
            "maxswap": swap * 1024**2,
            "disk": usage.disk,
            "maxdisk": disk_bytes(config),
            "diskread": 0,
            "diskwrite": 0,
            "netin": usage.netin,
            "netout": usage.netout,
            "uptime": usage.uptime_s,
        }
        row |= {key: config[key] for key in ("lock", "tags") if key in config}
        if config.get("template") == "1":
            row["template"] = 1
        # A host without pressure stall information reports null here, and so does this server.
        return row | ({"pid": usage.pid, **dict.fromkeys(PRESSURE)} if running else {})

    def resource(self, vmid: int, config: Config) -> Document:
        """Return the state as the cluster's resources and a pool's members show it."""
        row = self.status(vmid, config)
        drop = {"cpus", "swap", "maxswap", "pid", "tags", "lock", *PRESSURE}
        kept = {key: value for key, value in row.items() if key not in drop}
        template = int(config.get("template", 0))
        extra = {"id": f"lxc/{vmid}", "node": self.node, "maxcpu": row["cpus"]}
        return {**kept, **extra, "template": template}

    def _usage(self, vmid: int) -> Usage:
        try:
            return self._backend.usage(vmid)
        except BackendError:  # it stopped between the two calls
            return Usage()


def disk_bytes(config: Config) -> int:
    """The size of the root file system."""
    size = parse_properties(config.get("rootfs", ""), "volume").get("size")
    return int((parse_size_gb(size) if size else DEFAULT_DISK_GB) * GIB)
