"""A person, or root, in one desktop who exhausts resources of the host's kernel."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.inside import Inside
from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target
from tests.labnode_lxc.test_exhaustion import COUNT, PING, SEIZED

#: The number that another desktop and the host must still get, where one got as many.
ENOUGH = 50
TRACKED = Path("/proc/sys/net/netfilter/nf_conntrack_count")
MOST_TRACKED = 5_000


def as_person(inside: Inside, program: str) -> list[str]:
    """Return the command that runs a Python program as the person, without a session."""
    where = ["-P", f"/run/winux/{inside.bridge}", "-n", str(inside.vmid), "--clear-env"]
    person = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    return ["lxc-attach", *where, "--", *person, "python3", "-c", program]


@contextmanager
def seized_by(inside: Inside, program: str) -> Iterator[int]:
    """Run a person's program, which holds what it got; yield the `count` that it reports."""
    pipe = subprocess.PIPE
    command = as_person(inside, program + COUNT)
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        if child.stdout is None:
            raise RuntimeError("no output")
        yield int(child.stdout.readline())
        child.communicate("")


def got_by_host(program: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", program + COUNT],
        capture_output=True,
        text=True,
        input="",
        check=True,
    )
    return int(done.stdout)


@attack(
    "inside: a person takes all inotify instances, keys and queues of messages",
    "another desktop's person and the host still get them",
)
def exhaust(target: Target) -> str:
    greedy, honest = target.client("exhauster"), target.client("exhauster-honest")
    told = []
    with target.session(greedy) as mine, target.session(honest) as other:
        for what, program in SEIZED.items():
            with seized_by(target.inside(mine), program) as got:
                with seized_by(target.inside(other), program) as others:
                    pass
                host = got_by_host(program.replace("50_000", "100"))
            told.append(f"{what} {got}/{others}")
            if not got or min(others, host) < min(got, ENOUGH):
                raise Broken(f"of {what} one got {got}, another {others}, the host {host}")
    return f"one and another desktop got: {', '.join(told)}; the host got its own"


@attack(
    "inside: root sends 20,000 pings, each of which would be a connection to track",
    f"fewer than {MOST_TRACKED} stay in the host's table, and the desktop is still reached",
)
def track_connections(target: Target) -> str:
    client = target.client("flooder")
    with target.session(client) as desktop_id:
        inside = target.inside(desktop_id)
        gateway = inside.as_root("ip route show default | cut -d' ' -f3").decode().strip()
        before = int(TRACKED.read_text())
        sent = inside.as_root(f"python3 - {gateway}", stdin=PING.encode(), timeout_s=120)
        more = int(TRACKED.read_text()) - before
        if more >= MOST_TRACKED:
            raise Broken(f"{more} connections more are tracked")
        answer = client.api("POST", f"/sessions/{desktop_id}/extend", {"minutes": 2})
    if answer.status != 200:
        raise Broken(f"the desktop cannot be extended: {answer.said}")
    return f"{int(sent)} pings sent, {more} connections more are tracked"
