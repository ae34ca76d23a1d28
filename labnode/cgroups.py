"""Control groups of the containers: limits as LXC settings, usage and killing processes.

Works on cgroup v1 (one hierarchy per controller) and v2 (one for all).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labnode.backend import BackendError, ContainerConfig

ROOT = Path("/sys/fs/cgroup")
PIDS_LIMIT = 1000
# With the default of 1024 a whole container weighs as much as one process of the host and starves
# under load; on v2 the equivalent share is 1 + (8192 - 2) * 9999 / 262142.
CPU_SHARES = 8192
CPU_WEIGHT = 313
CPU_PERIOD_US = 100_000


def find_version(root: Path = ROOT) -> int:
    """Return the cgroup version (1 or 2) that sets limits; a hybrid machine counts as v1."""
    return 2 if (root / "cgroup.controllers").exists() else 1


def missing_controllers(root: Path = ROOT) -> list[str]:
    """Return the controllers that limits need and this machine lacks."""
    if find_version(root) == 2:
        offered = set((root / "cgroup.controllers").read_text().split())
    else:
        offered = {path.name for path in root.iterdir() if (path / "cgroup.procs").exists()}
    return sorted({"cpu", "memory", "pids"} - offered)


def has_swap_limit(root: Path = ROOT) -> bool:
    """Whether the kernel counts swap; without it only memory is limited."""
    if find_version(root) == 2:
        return Path("/proc/swaps").exists()
    return (root / "memory/memory.memsw.limit_in_bytes").exists()


def limits(config: ContainerConfig, version: int, *, swap: bool) -> dict[str, str]:
    """Return memory, swap, core and process limits as LXC settings for this cgroup version."""
    memory = config.memory_mb << 20
    extra = config.swap_mb << 20
    if version == 2:
        found = {"memory.max": memory, "memory.swap.max": extra if swap else None}
        found |= {"cpu.weight": CPU_WEIGHT, "pids.max": PIDS_LIMIT}
    else:
        found = {"memory.limit_in_bytes": memory}
        found |= {"memory.memsw.limit_in_bytes": memory + extra if swap else None}
        found |= {"cpu.shares": CPU_SHARES, "pids.max": PIDS_LIMIT}
    prefix = "lxc.cgroup2." if version == 2 else "lxc.cgroup."
    settings = found | _cores(config.cores, version)
    return {prefix + key: str(value) for key, value in settings.items() if value is not None}


def _cores(cores: int, version: int) -> dict[str, str]:
    if cores == 0:
        return {}
    quota = str(cores * CPU_PERIOD_US)
    if version == 2:
        return {"cpu.max": f"{quota} {CPU_PERIOD_US}"}
    return {"cpu.cfs_period_us": str(CPU_PERIOD_US), "cpu.cfs_quota_us": quota}


@dataclass(frozen=True)
class Cgroup:
    """A control group, by its path below the root, such as `winux_wxbr0/30001`."""

    name: str
    version: int
    root: Path = ROOT

    def path(self, controller: str) -> Path:
        """Return the directory of this group in the hierarchy of a controller."""
        return self.root / ("" if self.version == 2 else controller) / self.name

    def make(self) -> Path:
        """Create the group without limits if it is missing; return its directory."""
        self.path("pids").mkdir(parents=True, exist_ok=True)
        return self.path("pids")

    def is_populated(self) -> bool:
        """Whether any process lives in this group or below.

        Not read from `pids.current`, which counts dead processes for a second or two.
        """
        return any(self._looks())

    def processes(self) -> Iterator[int]:
        """Ids of the processes in this group and below."""
        for folder, _, _ in os.walk(self.path("pids")):
            try:
                yield from map(int, (Path(folder) / "cgroup.procs").read_text().split())
            except OSError:
                continue

    def init(self) -> int:
        """Return the host's process ID of the container's init process; 0 if there is none."""
        return next((pid for pid in self._looks() if _is_init(pid)), 0)

    def _looks(self) -> Iterator[int]:
        """Yield the processes twice, for a caller that looks for the init process.

        An init process that moves to a subgroup, as systemd does when it starts, can be missed by
        the first listing: it has left one group and is not yet listed in the other.
        """
        yield from self.processes()
        yield from self.processes()

    def kill(self, timeout_s: float = 10) -> None:
        """Kill all processes in the group and wait for their end; raise BackendError on timeout."""
        deadline = time.monotonic() + timeout_s
        while self.is_populated():
            for pid in self.processes():
                _kill(pid)
            if time.monotonic() > deadline:
                raise BackendError(f"processes in {self.name} do not end")
            time.sleep(0.005)

    def remove(self) -> None:
        """Remove the empty group from every hierarchy; ignore groups that are busy or missing."""
        tops = [self.root] if self.version == 2 else [p for p in self.root.iterdir() if p.is_dir()]
        for top in tops:
            for folder, _, _ in os.walk(top / self.name, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()

    def memory_bytes(self) -> int:
        """Return the memory in use without the file cache that the kernel can reclaim."""
        folder = self.path("memory")
        current = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        cache = "inactive_file" if self.version == 2 else "total_inactive_file"
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, int((folder / current).read_text()) - int(stat[cache]))

    def memory_limit(self) -> int:
        """Return the memory limit in bytes; 0 if there is none."""
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        text = (self.path("memory") / name).read_text().strip()
        return int(text) if text.isdigit() else 0

    def cores(self) -> float:
        """Return the number of cores it may use; without a limit all of the machine's."""
        folder = self.path("cpu")
        if self.version == 2:
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{n}_us").read_text() for n in ("quota", "period"))
        return int(quota) / int(period) if quota.strip().isdigit() else float(os.cpu_count() or 1)

    def cpu_seconds(self) -> float:
        """Return the processor time in seconds since the group was created."""
        if self.version == 1:
            return int((self.path("cpuacct") / "cpuacct.usage").read_text()) / 1e9
        lines = (self.path("cpu") / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _is_init(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    ids = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return len(ids) == 2 and ids[1] == "1"  # the init process of a nested container has three
