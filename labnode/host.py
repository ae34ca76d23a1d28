"""The machine under the containers: what it must offer, and what is prepared on it once."""

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

RUN = Path("/run/winux")
ID_COUNT = 65536
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 8192
LXCFS = Path("/var/lib/lxcfs")
PROGRAMS = {
    "lxc-start": "lxc", "lxc-usernsexec": "lxc", "newuidmap": "uidmap", "lxcfs": "lxcfs",
    "nft": "nftables", "ip": "iproute2", "bridge": "iproute2", "tar": "tar", "zstd": "zstd",
}  # fmt: skip


def find_problems() -> list[str]:
    """Why this machine cannot run containers, each with what to do; empty if it can."""
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


def prepare_host() -> int:
    """Prepare the machine for unprivileged containers; return the host id of their root user.

    Raises BackendError if the machine cannot run containers. Safe to repeat and to run from several
    lab nodes at once.
    """
    problems = find_problems()
    if problems:
        raise BackendError("this machine cannot run containers: " + "; ".join(problems))
    with _host_lock():
        if int(INOTIFY.read_text()) < INOTIFY_INSTANCES:
            INOTIFY.write_text(f"{INOTIFY_INSTANCES}\n")  # shared by all containers: 128 ends at 11
        _start_lxcfs()
        return reserve_ids([Path("/etc/subuid"), Path("/etc/subgid")])


def has_apparmor() -> bool:
    """Whether the kernel enforces AppArmor profiles."""
    switch = Path("/sys/module/apparmor/parameters/enabled")
    return switch.exists() and switch.read_text().strip() == "Y"


def reserve_ids(files: list[Path]) -> int:
    """First of 65536 ids that root holds in all these files; if none, taken behind everyone's."""
    held = [_ranges(path) for path in files]
    common = [first for name, first, count in held[0] if name == "root" and count >= ID_COUNT
              and all(("root", first, count) in ranges for ranges in held)]  # fmt: skip
    if common:
        return common[0]
    first = max([100_000, *(start + count for ranges in held for _, start, count in ranges)])
    for path in files:
        with path.open("a") as file:
            file.write(f"root:{first}:{ID_COUNT}\n")
    return first


def _ranges(path: Path) -> list[tuple[str, int, int]]:
    lines = path.read_text().splitlines() if path.exists() else []
    parts = (line.split(":") for line in lines if line.count(":") == 2)
    return [(name, int(first), int(count)) for name, first, count in parts]


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
    """Without lxcfs, or with one started after a container, guests see the host's memory."""
    if _lxcfs_answers():
        return
    if Path("/run/systemd/system").exists():
        run("systemctl", "restart", "lxcfs")
    else:
        subprocess.run(["umount", "-l", LXCFS], capture_output=True, check=False)  # a dead one's
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
    except OSError:  # not mounted, or mounted by one that died
        return False
