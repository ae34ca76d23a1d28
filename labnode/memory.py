"""Containers that exist as states and timings only: for scale tests and machines without root."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from labnode.backend import BackendError, ContainerConfig, Interface, Usage

LOOPBACK = Interface("lo", "00:00:00:00:00:00", "127.0.0.1/8", "::1/128")
DISK_BYTES, MEMORY_BYTES = 178_597_888, 12_197_888


@dataclass(frozen=True)
class Timings:
    """How long each step takes, in seconds."""

    create: float = 0.3
    clone: float = 0.1
    full_clone: float = 0.3
    start: float = 0.1
    stop: float = 0.05
    shutdown: float = 0.1
    destroy: float = 0.05


@dataclass
class Container:
    """One imagined container; `started_at` is 0 while it is stopped."""

    template: bool = False
    started_at: float = 0.0
    hwaddr: str = ""
    ip: str = ""
    maxmem: int = 0
    ignores_shutdown: bool = False


class MemoryBackend:
    """A Backend whose containers are files of a few bytes, so that they outlive the server."""

    def __init__(self, state_dir: Path, timings: Timings | None = None) -> None:
        self._file = state_dir / "containers.json"
        self._timings = timings or Timings()
        self._lock = threading.Lock()
        self._containers: dict[int, Container] = {}

    def prepare(self) -> None:
        if self._file.exists():
            known = json.loads(self._file.read_text())
            self._containers = {int(vmid): Container(**state) for vmid, state in known.items()}

    def create(self, vmid: int, archive: Path, config: ContainerConfig) -> None:
        time.sleep(self._timings.create)
        self._put(vmid, Container())

    def clone(self, source: int, vmid: int, *, full: bool) -> None:
        time.sleep(self._timings.full_clone if full else self._timings.clone)
        if not full and not self._get(source).template:
            raise BackendError(f"container {source} is not a template")
        self._put(vmid, Container())

    def make_template(self, vmid: int) -> None:
        self._put(vmid, Container(template=True))

    def start(self, vmid: int, config: ContainerConfig) -> None:
        time.sleep(self._timings.start)
        net = config.net0
        self._get(vmid)
        self._put(
            vmid,
            Container(
                started_at=time.time(),
                hwaddr=net.hwaddr.lower() if net else "",
                ip=net.ip if net and "/" in net.ip else "",
                maxmem=config.memory_mb * 1024**2,
                ignores_shutdown="ignores-shutdown" in config.hostname,
            ),
        )

    def stop(self, vmid: int) -> None:
        time.sleep(self._timings.stop)
        self._put(vmid, Container())

    def shutdown(self, vmid: int, timeout: float) -> bool:
        stubborn = self._get(vmid).ignores_shutdown
        time.sleep(timeout if stubborn else min(self._timings.shutdown, timeout))
        if stubborn or timeout < self._timings.shutdown:
            return False
        self._put(vmid, Container())
        return True

    def destroy(self, vmid: int) -> None:
        time.sleep(self._timings.destroy)
        with self._lock:
            self._containers.pop(vmid, None)
            self._save()

    def is_running(self, vmid: int) -> bool:
        container = self._containers.get(vmid)
        return bool(container and container.started_at)

    def usage(self, vmid: int) -> Usage:
        container = self._get(vmid)
        if not container.started_at:
            return Usage()
        uptime = max(1, int(time.time() - container.started_at))
        return Usage(
            pid=10000 + vmid % 20000,
            uptime_s=uptime,
            mem=min(MEMORY_BYTES, container.maxmem),
            maxmem=container.maxmem,
            disk=DISK_BYTES,
            netin=220,
            netout=266,
        )

    def interfaces(self, vmid: int) -> list[Interface]:
        container = self._get(vmid)
        if not container.hwaddr:
            return [LOOPBACK]
        return [LOOPBACK, Interface("eth0", container.hwaddr, container.ip)]

    def existing(self) -> set[int]:
        return set(self._containers)

    def _get(self, vmid: int) -> Container:
        try:
            return self._containers[vmid]
        except KeyError:
            raise BackendError(f"container {vmid} has no files") from None

    def _put(self, vmid: int, container: Container) -> None:
        with self._lock:
            self._containers[vmid] = container
            self._save()

    def _save(self) -> None:
        """Write all states; a rename, so that a kill leaves the old file or the new one."""
        states = {vmid: asdict(container) for vmid, container in self._containers.items()}
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(states))
        part.replace(self._file)
