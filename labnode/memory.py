"""Simulated containers with states and timings only: for scale tests and machines without root."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labnode.backend import BackendError, ContainerConfig, Interface, Net, Usage

LOOPBACK = Interface("lo", "00:00:00:00:00:00", "127.0.0.1/8", "::1/128")
DISK_BYTES, MEMORY_BYTES = 178_597_888, 12_197_888


@dataclass(frozen=True)
class Timings:
    """The duration of each step in seconds, and the containers that ignore a shutdown request."""

    create: float = 0.3
    clone: float = 0.1
    full_clone: float = 0.3
    start: float = 0.1
    stop: float = 0.05
    shutdown: float = 0.1
    destroy: float = 0.05
    address: float = 0.0  # from the start until the list of interfaces includes it
    stubborn: tuple[int, ...] = ()


@dataclass(frozen=True)
class Container:
    """One simulated container; `started_at` is 0 while it is stopped."""

    template: bool = False
    started_at: float = 0.0
    hwaddr: str = ""
    ip: str = ""
    maxmem: int = 0


STOPPED = Container()


class MemoryBackend:
    """A Backend whose containers are files of a few bytes, so that they outlive the server.

    Timings can be set in `timings.json` in the state directory. To let a container "die"
    or be "changed by hand", change or remove its file.
    """

    def __init__(self, state_dir: Path, node: str = "") -> None:
        """`node` names a further node of a cluster, whose containers are its own."""
        self._folder = state_dir / (f"memory@{node}" if node else "memory")
        self._read: dict[int, tuple[int, Container]] = {}
        settings = state_dir / "timings.json"
        chosen = json.loads(settings.read_text()) if settings.exists() else {}
        self._timings = Timings(**{**chosen, "stubborn": tuple(chosen.get("stubborn", ()))})

    def prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

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
            ),
        )

    def take_address(self, vmid: int, net: Net) -> None:
        self._put(vmid, replace(self._get(vmid), ip=""))

    def give_address(self, vmid: int, net: Net) -> None:
        if self.is_running(vmid):
            self._put(vmid, replace(self._get(vmid), ip=net.ip if "/" in net.ip else ""))

    def stop(self, vmid: int) -> None:
        time.sleep(self._timings.stop)
        self._put(vmid, Container())

    def shutdown(self, vmid: int, timeout: float) -> bool:
        is_in_time = vmid not in self._timings.stubborn and timeout >= self._timings.shutdown
        time.sleep(self._timings.shutdown if is_in_time else timeout)
        if is_in_time:
            self._put(vmid, Container())
        return is_in_time

    def destroy(self, vmid: int) -> None:
        time.sleep(self._timings.destroy)
        self._file(vmid).unlink(missing_ok=True)

    def is_running(self, vmid: int) -> bool:
        try:
            return bool(self._get(vmid).started_at)
        except BackendError:
            return False

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
        if time.time() - container.started_at < self._timings.address:
            return [LOOPBACK, Interface("eth0", container.hwaddr)]
        local = link_local(container.hwaddr)
        return [LOOPBACK, Interface("eth0", container.hwaddr, container.ip, local)]

    def existing(self) -> set[int]:
        if not self._folder.is_dir():
            return set()
        return {int(file.stem) for file in self._folder.glob("*.json")}

    def _file(self, vmid: int) -> Path:
        return self._folder / f"{vmid}.json"

    def _get(self, vmid: int) -> Container:
        """Read only files that have changed, so that listing thousands is fast."""
        try:
            changed_at = self._file(vmid).stat().st_mtime_ns
            if self._read.get(vmid, (0, STOPPED))[0] != changed_at:
                state = Container(**json.loads(self._file(vmid).read_text()))
                self._read[vmid] = (changed_at, state)
            return self._read[vmid][1]
        except FileNotFoundError:
            self._read.pop(vmid, None)
            raise BackendError(f"container {vmid} has no files") from None

    def _put(self, vmid: int, container: Container) -> None:
        """Write by rename, so that a kill leaves the old file or the new one."""
        part = self._file(vmid).with_suffix(".part")
        part.write_text(json.dumps(asdict(container)))
        part.replace(self._file(vmid))


def link_local(hwaddr: str) -> str:
    """Return the IPv6 link-local address that Linux derives from a MAC address."""
    octets = [int(octet, 16) for octet in hwaddr.split(":")]
    octets[0] ^= 2
    words = [*octets[:3], 0xFF, 0xFE, *octets[3:]]
    pairs = (f"{words[n] << 8 | words[n + 1]:x}" for n in range(0, 8, 2))
    return f"fe80::{':'.join(pairs)}/64"
