"""A run's own small machine: process ids, loopback network and mounts that vanish with it.

Whatever the run kills or forgets, nothing of it reaches the real machine: when the first process
of the new namespace ends, the kernel ends all others. The imagined desktops get the ports 22 and
3389 of addresses that exist nowhere else.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

INSIDE = "CHAOS_INSIDE"
#: The shell stays as process 1: it takes in the orphans of killed processes.
PREPARE = 'ip link set lo up && mount -t tmpfs -o mode=1777 chaos /dev/shm && "$@"; exit $?'


def is_inside() -> bool:
    return os.environ.get(INSIDE) == "1"


def run_inside(
    arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m tests.chaos` with these arguments on a machine of its own."""
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
