"""The host machine: its requirements and its one-time preparation."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labnode.backend import BackendError
from labnode.cgroups import missing_controllers
from labnode.command import run
from labnode.id_ranges import IdRanges, reserve_ranges

RUN = Path("/run/winux")
# Minimum values of kernel limits that all containers share or that each has separately: the
# kernel's defaults are for one machine. The memory behind them is charged to the container that
# uses it.
LIMITS = {
    "fs/inotify/max_user_instances": 8192,  # for each container: 128 were too few for a desktop
    "fs/inotify/max_user_watches": 131_072,
    "fs/file-max": 2**62,
    "fs/aio-max-nr": 1 << 24,
    "kernel/pid_max": 1 << 22,
    "kernel/threads-max": 1 << 19,  # 1000 for each of 250 containers, and as many for the host
    "kernel/pty/max": 131_072,  # PTY_LIMIT for each of 250 containers, and the host's
}
LXCFS = Path("/var/lib/lxcfs")
PROGRAMS = {
    "lxc-start": "lxc", "lxc-usernsexec": "lxc", "newuidmap": "uidmap", "lxcfs": "lxcfs",
    "nft": "nftables", "ip": "iproute2", "bridge": "iproute2", "tar": "tar", "zstd": "zstd",
    "setpriv": "util-linux", "unshare": "util-linux",
}  # fmt: skip


def find_problems() -> list[str]:
    """Return the reasons why this machine cannot run containers, each with a fix; empty if none."""
    if os.geteuid() != 0:
        return ["containers need root: start the lab node as root"]
    missing = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    found = [f"install the packages: apt install {' '.join(missing)}"] if missing else []
    if not Path("/proc/self/ns/user").exists():
        found.append("the kernel has no user namespaces")
    if not _has_overlay():
        found.append("the kernel has no overlay file system (modprobe overlay)")
    controllers = missing_controllers()
    if controllers:
        found.append(f"mount the cgroup controllers: {' '.join(controllers)}")
    return found


def prepare_host() -> IdRanges:
    """Prepare the machine for unprivileged containers; return their id range.

    Raises BackendError if the machine cannot run containers. Safe to repeat and to run from several
    lab nodes at once.
    """
    problems = find_problems()
    if problems:
        raise BackendError("this machine cannot run containers: " + "; ".join(problems))
    with _host_lock():
        raise_limits(Path("/proc/sys"), LIMITS)
        _start_lxcfs()
        return reserve_ranges()


def raise_limits(folder: Path, limits: dict[str, int]) -> None:
    """Raise kernel limits that are too low; ignore limits that this kernel does not have."""
    for name, least in limits.items():
        file = folder / name
        if file.exists() and int(file.read_text()) < least:
            file.write_text(f"{least}\n")


def has_apparmor() -> bool:
    """Whether the kernel enforces AppArmor profiles."""
    switch = Path("/sys/module/apparmor/parameters/enabled")
    return switch.exists() and switch.read_text().strip() == "Y"


def _has_overlay() -> bool:
    if "overlay" not in Path("/proc/filesystems").read_text():
        subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
    return "overlay" in Path("/proc/filesystems").read_text()


@contextmanager
def _host_lock() -> Iterator[None]:
    RUN.mkdir(exist_ok=True)
    RUN.chmod(0o711)
    with (RUN / "host.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_lxcfs() -> None:
    """Start lxcfs if needed: without it, or if started later, guests see the host's memory."""
    if _lxcfs_answers():
        return
    if Path("/run/systemd/system").exists():
        run("systemctl", "restart", "lxcfs")
    else:
        subprocess.run(["umount", "-l", LXCFS], capture_output=True, check=False)  # of a dead lxcfs
        LXCFS.mkdir(parents=True, exist_ok=True)
        LXCFS.chmod(0o755)
        detached = 'setsid lxcfs "$0" >"$1" 2>&1 </dev/null &'
        run("sh", "-c", detached, LXCFS, RUN / "lxcfs.log")
    deadline = time.monotonic() + 5
    while not _lxcfs_answers():
        if time.monotonic() > deadline:
            raise BackendError(f"lxcfs does not answer below {LXCFS}: see {RUN}/lxcfs.log")
        time.sleep(0.02)


def _lxcfs_answers() -> bool:
    try:
        return bool((LXCFS / "proc/uptime").read_text())
    except OSError:  # not mounted, or its lxcfs has died
        return False
