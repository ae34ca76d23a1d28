"""Checks of this machine: root, disk space, free ports, containers, one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from setup.commands import read_output
from setup.failure import SetupFailed
from setup.settings import CHECKOUT, Settings

LOCKS = Path("/run/lock")
#: Settings that must differ between two stacks on one machine.
OWN_NAMES = ("BRIDGE", "SUBNET", "PORT", "LAB_PORT", "DIR")
#: Creates what a container needs in separate namespaces, which are removed at once.
TRIAL = (
    "mount -t tmpfs none /mnt && mkdir /mnt/a /mnt/b /mnt/c /mnt/d"
    " && mount -t overlay none -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c /mnt/d"
    " && ip link add trial0 type bridge && nft add table inet trial && echo able"
)


def check_root(what: str) -> None:
    if os.geteuid() != 0:
        raise SetupFailed(
            f"{what} makes real containers and needs root.", "Try again as root or with sudo."
        )


def check_containers() -> None:
    """Raise SetupFailed unless we can create namespaces, overlays, bridges and nft tables."""
    if "able" in read_output(["unshare", "-mnp", "--fork", "sh", "-c", TRIAL]):
        return
    raise SetupFailed(
        "This machine cannot run containers: making a namespace, an overlay mount, a bridge or an "
        "nft table is not allowed here (as in most Docker containers).",
        "Use a virtual or physical machine with Debian 12. "
        "The tests that need no containers: SKIP_LAB=1 make test",
    )


def check_disk(folder: Path, needed_gb: float) -> None:
    """Raise SetupFailed unless the file system of `folder` has space and is readable."""
    place = folder
    try:
        while not place.exists():
            place = place.parent
    except PermissionError:
        raise SetupFailed(
            f"{place} may not be used by this account.",
            "Choose another place with WINUX_CACHE_DIR and WINUX_DEMO_DIR.",
        ) from None
    free_gb = shutil.disk_usage(place).free / 1e9
    if free_gb < needed_gb:
        raise SetupFailed(
            f"There is not enough room at {folder}: {free_gb:.1f} GB free, "
            f"about {needed_gb:.0f} GB needed.",
            "Free some, or choose another place with WINUX_CACHE_DIR and WINUX_DEMO_DIR.",
        )


def check_port(address: str, port: int, setting: str) -> None:
    """Raise SetupFailed naming the port, its holder if known, and the setting that moves ours."""
    with socket.socket() as trial:
        # as for the servers, a port in TIME_WAIT is free
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
            return
        except OSError as error:
            reason = error.strerror
    holder = (
        read_output(["ss", "-Hltnp", f"sport = :{port}"])
        .partition('users:(("')[2]
        .partition('"')[0]
    )
    by = f" by {holder}" if holder else ""
    raise SetupFailed(
        f"Port {port} on {address} cannot be used: {reason}{by}.",
        f"Stop what listens there, or choose another port: {setting}={port + 1} make demo",
    )


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the machine-wide lock of this bridge; raise SetupFailed if another run has it.

    The kernel releases the lock when its process ends, so a killed run does not block the next.
    """
    path = (
        LOCKS if os.access(LOCKS, os.W_OK) else CHECKOUT / "var"
    ) / f"winux-{settings.bridge}.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "just starting"
            names = ", ".join(settings.prefix + name for name in OWN_NAMES)
            raise SetupFailed(
                f"Another run uses bridge {settings.bridge}: {holder}.",
                f"Stop it with Ctrl-C there, or give this one names of its own: {names}.",
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} in {CHECKOUT}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
