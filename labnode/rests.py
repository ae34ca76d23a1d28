"""Lab nodes on this machine that nobody will serve again, found by what they left in the kernel.

A test run that was killed leaves bridge, packet filter and containers; so does a lab node whose
folder was deleted. What somebody serves, or may start again, is never among them.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from labnode import containers
from labnode.command import run
from labnode.network import MARK, links

INTERFACES = Path("/sys/class/net")
TABLE = "winux_"
#: A part of the path of every folder that a test run makes.
OF_TESTS = "pytest-of-"


def sweep(below: Path) -> list[str]:
    """Remove such lab nodes, also resting ones below a folder; the names of their bridges."""
    swept = [bridge for bridge, folder in _owners().items() if _is_rest(folder, below)]
    for bridge in swept:
        containers.clean(_owners()[bridge], bridge)
    lonely = [bridge for bridge in _filtered() if not links(bridge)]
    for bridge in lonely:
        containers.clean(Path("/nonexistent"), bridge)
    return swept + lonely


def _owners() -> dict[str, Path]:
    """Every lab node's bridge and its state folder, which the bridge carries as its alias."""
    found = {}
    for file in sorted(INTERFACES.glob("*/ifalias")):
        try:
            alias = file.read_text().strip()
        except OSError:  # removed at this moment
            continue
        if alias.startswith(MARK):
            found[file.parent.name] = Path(alias.removeprefix(MARK))
    return found


def _filtered() -> set[str]:
    """Bridges that a packet filter of ours is for."""
    listed = json.loads(run("nft", "-json", "list", "tables"))["nftables"]
    names = {entry["table"]["name"] for entry in listed if "table" in entry}
    return {name.removeprefix(TABLE) for name in names if name.startswith(TABLE)}


def _is_rest(folder: Path, below: Path) -> bool:
    lock = folder / "lock"
    if not folder.exists():
        return True
    is_of_tests = OF_TESTS in str(folder) and lock.exists()
    return (is_of_tests or folder.is_relative_to(below)) and not _is_held(lock)


def _is_held(lock: Path) -> bool:
    """Whether a process serves from the folder of this lock, or tests something there."""
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
