"""Random disturbances: kills, faults, clock jumps, a locked database, a full disk."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.chaos.world import World, kill
from webapp.domain.errors import WinuxError

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "slow", "delay": 2},
    {"kind": "late", "delay": 2},
    {"kind": "error"},
    {"kind": "error", "status": 595},
    {"kind": "error", "status": 401},
    {"kind": "html"},
    {"kind": "drop"},
    {"kind": "lost-answer"},
    {"kind": "empty-list"},
    {"kind": "failed-task"},
    {"kind": "lost-task"},
    {"kind": "crash"},
    {"kind": "late-crash"},
)
PLACES = (".*", "^POST", "^PUT", "^DELETE", "/clone", "/status", "/tasks/", "^GET /nodes/lab/lxc$")
#: The disturbances, and their relative frequency.
WEIGHTS = {
    "kill_worker": 8,
    "end_worker": 2,
    "freeze_worker": 2,
    "kill_web": 5,
    "kill_node": 4,
    "kill_run": 12,
    "fault": 14,
    "jump": 8,
    "lock_database": 3,
    "fill_disk": 2,
    "pull_plug": 4,
    "change_pool": 3,
}


class Mischief(threading.Thread):
    """Causes a disturbance at intervals, and restarts dead processes shortly after."""

    def __init__(
        self,
        world: World,
        seed: str,
        pause_s: float,
        workers: int,
        worker_options: list[str],
        largest_pool: int,
    ) -> None:
        super().__init__(name="mischief", daemon=True)
        self._world = world
        self._random = random.Random(seed)
        self._pause_s = pause_s
        self._options = worker_options
        self._pool = largest_pool
        self._is_over = threading.Event()
        self._due: dict[str, float] = {}
        self.done: Counter[str] = Counter()
        self.web = world.start_web()
        self.workers = [self._start_worker() for _ in range(workers)]

    def end(self) -> None:
        """End all disturbances: the node runs, no process is frozen, and its faults are cleared."""
        self._is_over.set()
        self.join()
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
        self._world.revive_node()
        self._world.fault()
        self._filling().unlink(missing_ok=True)

    def run(self) -> None:
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        next_at = time.monotonic() + self._random.expovariate(1 / self._pause_s)
        while not self._is_over.wait(0.05):
            self._revive()
            if time.monotonic() >= next_at:
                name = self._random.choices(names, weights)[0]
                with contextlib.suppress(OSError, AssertionError):
                    if getattr(self, f"_{name}")() is not False:
                        self.done[name] += 1
                next_at = time.monotonic() + self._random.expovariate(1 / self._pause_s)

    # -- recovery ---------------------------------------------------------------------------------

    def _revive(self) -> None:
        """Restart processes after a moment, as systemd does."""
        if self._world.is_node_dead():
            self._later("node", self._world.node.start)
        if self.web.poll() is not None:
            self._later("web", self._start_web)
        for at, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self._later(f"worker {at}", lambda at=at: self._replace_worker(at))

    def _later(self, name: str, start: Callable[[], object]) -> None:
        now = time.monotonic()
        if now >= self._due.setdefault(name, now + self._random.uniform(0, 3)):
            del self._due[name]
            start()

    def _start_web(self) -> None:
        self.web = self._world.start_web()

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return self._world.start_worker(*self._options, "--seed", str(self._random.getrandbits(32)))

    def _replace_worker(self, at: int) -> None:
        self.workers[at] = self._start_worker()

    # -- kills ------------------------------------------------------------------------------------

    def _kill_worker(self) -> None:
        kill(self._random.choice(self.workers).pid)

    def _end_worker(self) -> None:
        self._random.choice(self.workers).terminate()

    def _freeze_worker(self) -> None:
        """Freeze a worker until its leases expire and another one takes over; then resume it."""
        pid = self._random.choice(self.workers).pid
        os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(9, _wake, [pid])
        timer.daemon = True
        timer.start()

    def _kill_web(self) -> None:
        """Kill the server itself, or one of its processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.web.pid).children()
            kill(self._random.choice([self.web.pid, *(child.pid for child in children)]))

    def _kill_node(self) -> None:
        if self._world.node.process:
            kill(self._world.node.process.pid)

    def _kill_run(self) -> bool:
        """Kill a process of a running playbook: the runner, Ansible, one of its forks, ssh."""
        pids = [one.pid for one in psutil.process_iter() if run_of(one)]
        if pids:
            kill(self._random.choice(pids))
        return bool(pids)

    # -- the environment --------------------------------------------------------------------------

    def _fault(self) -> None:
        pick = self._random
        fault = {
            **pick.choice(FAULTS),
            "path": pick.choice(PLACES),
            "skip": pick.randint(0, 5),
            "count": pick.randint(1, 4),
        }
        self.done[f"fault {fault['kind']}"] += 1
        self._world.fault(fault)

    def _jump(self) -> None:
        """Jump forward by some minutes; sometimes back to the correct time."""
        if self._random.random() < 0.3:
            self._world.clock.set(0)
        else:
            self._world.clock.shift(self._random.uniform(-120, 1500))

    def _pull_plug(self) -> bool:
        """Stop a container without Winux."""
        files = sorted((self._world.node.state_dir / "memory").glob("30*.json"))
        if not files:
            return False
        file = self._random.choice(files)
        with contextlib.suppress(FileNotFoundError):
            state = json.loads(file.read_text())
            file.write_text(json.dumps(state | {"started_at": 0.0, "hwaddr": "", "ip": ""}))
        return True

    def _change_pool(self) -> None:
        """Change the pool as an admin."""
        with contextlib.suppress(WinuxError):
            self._world.set_pool(self._random.randint(0, self._pool))

    # -- the database -----------------------------------------------------------------------------

    def _lock_database(self) -> None:
        """Lock the database as another slow writer does."""
        with contextlib.closing(sqlite3.connect(self._world.database, timeout=5)) as other:
            other.isolation_level = None
            with contextlib.suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
                self._is_over.wait(self._random.uniform(1, 14))
                other.execute("ROLLBACK")

    def _fill_disk(self) -> None:
        """Fill the disk of the database."""
        with contextlib.suppress(OSError), self._filling().open("wb") as file:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        self._is_over.wait(self._random.uniform(1, 6))
        self._filling().unlink(missing_ok=True)

    def _filling(self) -> Path:
        return self._world.database.with_name("filling")


def _wake(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def run_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("WINUX_RUN", "")
    except psutil.Error:
        return ""
