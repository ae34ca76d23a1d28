"""Control groups of the containers: limits as LXC settings, readings, and the end of processes.

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
# under load; on v2 the same share is 1 + (8192 - 2) * 9999 / 262142.
CPU_SHARES = 8192
CPU_WEIGHT = 313
CPU_PERIOD_US = 100_000


def find_version(root: Path = ROOT) -> int:
    """Whether limits are set through cgroup v1 or v2; a hybrid machine counts as v1."""
    return 2 if (root / "cgroup.controllers").exists() else 1


def missing_controllers(root: Path = ROOT) -> list[str]:
    """Controllers that limits need and this machine does not offer."""
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
    """Memory, swap, cores and process limits as LXC settings for this cgroup version."""
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
    """One group by its path below the root, such as `winux_wxbr0/30001`."""

    name: str
    version: int
    root: Path = ROOT

    def path(self, controller: str) -> Path:
        """Directory of this group in the hierarchy of a controller."""
        return self.root / ("" if self.version == 2 else controller) / self.name

    def make(self) -> Path:
        """Make the group, if it is not there, for processes without limits; return its folder."""
        self.path("pids").mkdir(parents=True, exist_ok=True)
        return self.path("pids")

    def is_populated(self) -> bool:
        """Whether any process lives in this group or below.

        Not read from `pids.current`, which counts the dead for a second or two.
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
        """Host id of the process that is 1 in the container; 0 if there is none."""
        return next((pid for pid in self._looks() if _is_init(pid)), 0)

    def _looks(self) -> Iterator[int]:
        """The processes, twice: an init that moves to a group below, as systemd does when it
        starts, may be just gone from the one and not yet found in the other."""
        yield from self.processes()
        yield from self.processes()

    def kill(self, timeout_s: float = 10) -> None:
        """End every process in it and return when they are gone; raises BackendError if not."""
        deadline = time.monotonic() + timeout_s
        while self.is_populated():
            for pid in self.processes():
                _kill(pid)
            if time.monotonic() > deadline:
                raise BackendError(f"processes in {self.name} do not end")
            time.sleep(0.005)

    def remove(self) -> None:
        """Remove the empty group from every hierarchy; what is busy or gone stays as it is."""
        tops = [self.root] if self.version == 2 else [p for p in self.root.iterdir() if p.is_dir()]
        for top in tops:
            for folder, _, _ in os.walk(top / self.name, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()

    def memory_bytes(self) -> int:
        """Memory in use without the file cache that the kernel would give back."""
        folder = self.path("memory")
        current = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        cache = "inactive_file" if self.version == 2 else "total_inactive_file"
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, int((folder / current).read_text()) - int(stat[cache]))

    def memory_limit(self) -> int:
        """Memory it may use at most; 0 if it has no limit."""
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        text = (self.path("memory") / name).read_text().strip()
        return int(text) if text.isdigit() else 0

    def cores(self) -> float:
        """How many cores it may use; all of the machine's without a limit."""
        folder = self.path("cpu")
        if self.version == 2:
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{n}_us").read_text() for n in ("quota", "period"))
        return int(quota) / int(period) if quota.strip().isdigit() else float(os.cpu_count() or 1)

    def cpu_seconds(self) -> float:
        """Processor time used since the group was made."""
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
    return len(ids) == 2 and ids[1] == "1"  # the init of a container inside it has three
