"""A person in one desktop who starts processes or opens files without limit."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.inside import Inside
from labnode.cgroups import PIDS_LIMIT, Cgroup, find_version
from tests.attack.catalogue import attack
from tests.attack.people_inside import ENOUGH, as_person, got_by_host, seized_by
from tests.attack.promise import Broken
from tests.attack.slow_clients import PAGE_S
from tests.attack.target import Target

#: Every process forks without end, and pauses only after a failed fork.
BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.5)
"""
#: A child process waits for the end of the input, as its parent does.
PROCESSES = """
import os, sys
count = 0
try:
    while count < 100:
        if not os.fork():
            sys.stdin.read()
            os._exit(0)
        count += 1
except OSError:
    pass  # it gets no more
"""
HELD = {
    "open files": """
import os
count = 0
try:
    while count < 20_000:
        os.open("/dev/null", os.O_RDONLY)
        count += 1
except OSError:
    pass  # it gets no more
""",
    "terminals": """
import os
count = 0
try:
    while count < 1_000:
        os.openpty()
        count += 1
except OSError:
    pass  # it gets no more
""",
}
#: The number of programs of one person that each hold the maximum per process.
HOLDERS = 6
FULL = 0.9
FILLED_S, WATCHED_S = 120, 10.0


def group_of(inside: Inside) -> Cgroup:
    return Cgroup(f"winux_{inside.bridge}/{inside.vmid}/payload", find_version())


def count_processes(inside: Inside) -> int:
    """Return the number of processes, counted on the host."""
    return len(set(group_of(inside).processes()))


@contextmanager
def exploding(target: Target, inside: Inside) -> Iterator[None]:
    """Run a fork bomb that has reached its limit; it ends with its desktop."""
    null = subprocess.DEVNULL
    with subprocess.Popen(as_person(inside, BOMB), stdin=null, stdout=null, stderr=null) as bomb:
        try:
            full = FULL * PIDS_LIMIT
            target.wait_until(lambda: count_processes(inside) > full, "it explodes", FILLED_S)
            yield
        finally:
            bomb.kill()


@attack(
    "inside: a person's fork bomb",
    f"it ends at {PIDS_LIMIT} processes; host and other desktops start theirs, a desktop is "
    f"launched, pages open in {PAGE_S:.0f} s, and its person can stop it",
)
def fork_bomb(target: Target) -> str:
    bomber, honest = target.client("bomber"), target.client("bomber-honest")
    with (
        target.session(honest) as other,
        target.session(bomber) as mine,
        exploding(target, target.inside(mine)),
        target.bystander(f"{target.url}/sign-in") as looks,
    ):
        others, host = got_beside(target.inside(other))
        most = most_processes(target.inside(mine))
        with target.session(honest):
            pass
        answer = bomber.api("POST", f"/sessions/{mine}/stop")
        target.wait_state(bomber, mine, "stopping", "ended")
    if answer.status not in (200, 202) or most > PIDS_LIMIT:
        raise Broken(f"{most} processes; the stop is answered with {answer.said}")
    if looks.longest > PAGE_S:
        raise Broken(f"somebody else's page took {looks.longest:.1f} s")
    return (
        f"{most} processes at most; another desktop got {others}, the host {host}, one more was "
        f"launched; a page took {looks.longest:.2f} s at most; stopped"
    )


def got_beside(other: Inside) -> tuple[int, int]:
    """Return the number of processes that another desktop and the host get meanwhile."""
    with seized_by(other, PROCESSES) as others:
        pass
    host = got_by_host(PROCESSES)
    if min(others, host) < ENOUGH:
        raise Broken(f"another desktop gets {others} processes, the host {host}")
    return others, host


def most_processes(inside: Inside) -> int:
    end, most = time.monotonic() + WATCHED_S, 0
    while time.monotonic() < end:
        most = max(most, count_processes(inside))
        time.sleep(0.1)
    return most


@attack(
    "inside: a person holds as many open files and terminals as they can get",
    f"another desktop's person and the host still get {ENOUGH} of each",
)
def hold_files(target: Target) -> str:
    greedy, honest = target.client("holder"), target.client("holder-honest")
    told = []
    with target.session(greedy) as mine, target.session(honest) as other:
        for what, program in HELD.items():
            with ExitStack() as stack:
                holders = (seized_by(target.inside(mine), program) for _ in range(HOLDERS))
                got = sum(stack.enter_context(one) for one in holders)
                with seized_by(target.inside(other), program) as others:
                    pass
                host = got_by_host(program)
            told.append(f"{what} {got}/{others}/{host}")
            if not got or min(others, host) < ENOUGH:
                raise Broken(f"of {what} one got {got}, another {others}, the host {host}")
    return f"the one, another desktop and the host got: {', '.join(told)}"
