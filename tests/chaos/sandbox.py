"""A run's own namespaces: process ids, loopback network and mounts that end with it.

Kills and leftovers of the run do not affect the real machine: when the first process of the new
namespace ends, the kernel ends all others. The simulated desktops get the ports 22 and 3389 of
addresses that exist only there.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

INSIDE = "CHAOS_INSIDE"
#: The shell remains process 1: it adopts the orphans of killed processes.
PREPARE = 'ip link set lo up && mount -t tmpfs -o mode=1777 chaos /dev/shm && "$@"; exit $?'


def is_inside() -> bool:
    return os.environ.get(INSIDE) == "1"


def run_inside(
    arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m tests.chaos` with these arguments in new namespaces."""
    namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        namespaces.append("--map-root-user")
    python = [sys.executable, "-m", "tests.chaos", *arguments]
    return subprocess.run(
        ["unshare", *namespaces, "sh", "-c", PREPARE, "sh", *python],
        env={**environment, INSIDE: "1"},
        timeout=timeout_s,
        check=False,
    )
