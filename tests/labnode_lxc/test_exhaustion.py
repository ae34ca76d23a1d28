"""A desktop that exhausts resources of the kernel does not affect its neighbour or the host.

`seize` runs as root of the container, or as a person in it: with its ids, its network and its
processes' limits, and with the host's Python, because the container of these tests has none.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labnode.cgroups import Cgroup, find_version
from tests.labnode_lxc.conftest import TEMPLATE
from tests.labnode_lxc.lab import Lab

pytestmark = pytest.mark.lab

ROOT, PERSON = 0, 1000
#: A person in a container cannot enter every folder that may contain an environment.
PYTHON = str(Path(sys.executable).resolve())
FILES = 16_000
SEIZED = {
    "inotify instances": """
import ctypes
libc, count = ctypes.CDLL(None), 0
while count < 50_000 and libc.inotify_init() >= 0:
    count += 1
""",
    "keys": """
import ctypes
libc, count = ctypes.CDLL(None), 0
while count < 50_000 and libc.syscall(248, b"user", b"k%d" % count, b"x", 1, -3) >= 0:
    count += 1
""",
    "queues of messages": """
import ctypes
libc, count = ctypes.CDLL(None), 0
while count < 50_000 and libc.mq_open(b"/q%d" % count, 0o102, 0o600, None) >= 0:
    count += 1
""",
}
COUNT = "print(count, flush=True); import sys; sys.stdin.read()"
PING = """
import socket, struct, sys
sent = 0
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for name in range(20_000):
    body = struct.pack("!BBHHH", 8, 0, 0, name, 1)
    words = struct.unpack("!4H", body)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    raw.sendto(struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, name, 1), (sys.argv[1], 0))
    sent += 1
print(sent)
"""


def enter(lab: Lab, vmid: int, uid: int, *namespaces: str) -> list[str]:
    pid = lab.backend.usage(vmid).pid
    ids = (f"--setuid={uid}", f"--setgid={uid}")
    into = ["nsenter", f"--target={pid}", "--user", *namespaces, *ids, "--", PYTHON]
    group = Cgroup(f"winux_{lab.bridge}/{vmid}/payload", find_version()).path("memory")
    limited = [
        "prlimit",
        f"--nofile={FILES}:{FILES}",
        "sh",
        "-c",
        'echo $$ >"$0" && exec "$@"',
        str(group / "cgroup.procs"),
    ]
    return [*limited, *into]


@contextmanager
def seize(lab: Lab, vmid: int, what: str, uid: int) -> Iterator[int]:
    """Yield the number that the container got; it holds them inside the block."""
    command = [*enter(lab, vmid, uid, "--ipc"), "-c", SEIZED[what] + COUNT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout
        yield int(child.stdout.readline())
        child.communicate("")


@pytest.fixture
def roomy(lab: Lab) -> int:
    """The vmid of a running desktop with enough memory that no other limit is reached first."""
    lab.backend.clone(TEMPLATE, 30, full=False)
    lab.start(30, memory_mb=1024)
    return 30


@pytest.mark.parametrize("uid", [ROOT, PERSON])
@pytest.mark.parametrize("what", SEIZED)
def test_what_one_desktop_uses_up_is_left_for_others(
    lab: Lab, roomy: int, what: str, uid: int
) -> None:
    with seize(lab, roomy, what, uid) as got:
        assert 0 < got < 50_000, "there is an end to it"
        lab.backend.clone(TEMPLATE, 31, full=False)
        lab.start(31)
        assert lab.page(31) == "hello from the container\n"
        with seize(lab, 31, what, uid) as others:
            assert others >= min(got, 100)
        host = subprocess.run(
            [sys.executable, "-c", SEIZED[what] + COUNT],
            capture_output=True, text=True, input="", check=True,
        )  # fmt: skip
        assert int(host.stdout) > 0


def test_two_desktops_have_no_user_in_common(lab: Lab, desktop: int, neighbour: int) -> None:
    def ids(vmid: int) -> range:
        pid = lab.backend.usage(vmid).pid
        _, first, count = Path(f"/proc/{pid}/uid_map").read_text().split()
        return range(int(first), int(first) + int(count))

    mine, other = ids(desktop), ids(neighbour)
    assert mine.stop <= other.start or other.stop <= mine.start
    lab.backend.stop(desktop)
    lab.start(desktop)
    assert ids(desktop) == mine


def test_files_are_the_containers_own_and_the_same_after_a_restart_and_in_a_copy(
    lab: Lab, desktop: int
) -> None:
    assert lab.run(desktop, "touch /kept && chown 1000:1001 /kept").returncode == 0
    lab.backend.clone(desktop, 32, full=True)
    lab.backend.stop(desktop)
    lab.start(desktop)
    lab.start(32)
    for vmid in (desktop, 32):
        assert lab.run(vmid, "stat -c '%u %g' /kept / /bin/busybox").stdout == (
            "1000 1001\n0 0\n0 0\n"
        )


def test_nothing_that_a_desktop_sends_fills_the_hosts_table_of_connections(
    lab: Lab, desktop: int
) -> None:
    table = Path("/proc/sys/net/netfilter/nf_conntrack_count")
    lab.run(desktop, f"ping -c 1 -W 1 {lab.gateway}")
    before = int(table.read_text())
    command = [*enter(lab, desktop, ROOT, "--net"), "-c", PING, lab.gateway]
    sent = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = int(table.read_text())

    assert int(sent) == 20_000
    assert after - before < 5_000  # others use it too; each ping stays in it for 30 s
    assert lab.page(desktop) == "hello from the container\n"


def test_pieces_of_packets_do_not_reach_the_host(lab: Lab, desktop: int) -> None:
    assert lab.run(desktop, f"ping -c 1 -W 1 -s 1000 {lab.gateway}").returncode == 0
    assert lab.run(desktop, f"ping -c 1 -W 1 -s 4000 {lab.gateway}").returncode != 0


def test_processes_of_one_desktop_leave_room_for_others(lab: Lab, roomy: int) -> None:
    lab.run(roomy, "for i in $(seq 1100); do sleep 60 >/dev/null 2>&1 & done")
    lab.backend.clone(TEMPLATE, 31, full=False)
    lab.start(31)

    assert lab.page(31) == "hello from the container\n"
    assert os.getpid() < int(Path("/proc/sys/kernel/pid_max").read_text()) // 2
