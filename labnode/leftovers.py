"""Finds abandoned lab nodes on this machine by the state that they left in the kernel.

A test run that was killed leaves bridge, packet filter and containers. A lab node that is
served, or may be started again, is never among them. A missing folder is no proof that its lab node
is abandoned: processes with other mounts (in a chroot, a container) may see the folder.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from labnode import containers
from labnode.command import run
from labnode.network import MARK, links
from labnode.setup import is_state_folder

INTERFACES = Path("/sys/class/net")
TABLE = "winux_"
#: A part of the path of every folder that a test run creates.
OF_TESTS = "pytest-of-"


def sweep(below: Path) -> list[str]:
    """Remove abandoned lab nodes, also idle ones below a folder; return their bridges."""
    rests = {bridge: folder for bridge, folder in _owners().items() if _is_rest(folder, below)}
    for bridge, folder in rests.items():
        containers.clean(folder, bridge, keeps_files=not is_state_folder(folder))
    lonely = [bridge for bridge in _filtered() if not links(bridge)]
    for bridge in lonely:
        containers.clean(Path("/nonexistent"), bridge)
    return [*rests, *lonely]


def _owners() -> dict[str, Path]:
    """Return each lab node's bridge and the state folder that the bridge has as its alias."""
    found = {}
    for file in sorted(INTERFACES.glob("*/ifalias")):
        try:
            alias = file.read_text().strip()
        except OSError:  # removed during the loop
            continue
        if alias.startswith(MARK):
            found[file.parent.name] = Path(alias.removeprefix(MARK))
    return found


def _filtered() -> set[str]:
    """Return the bridges for which a packet filter of a lab node exists."""
    listed = json.loads(run("nft", "-json", "list", "tables"))["nftables"]
    names = {entry["table"]["name"] for entry in listed if "table" in entry}
    return {name.removeprefix(TABLE) for name in names if name.startswith(TABLE)}


def _is_rest(folder: Path, below: Path) -> bool:
    lock = folder / "lock"
    is_of_tests = OF_TESTS in str(folder) and lock.exists()
    is_below = folder.is_relative_to(below) and folder.exists()
    return (is_of_tests or is_below) and not _is_held(lock)


def _is_held(lock: Path) -> bool:
    """Whether a process that serves or tests this state folder holds the lock."""
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
