"""One complete Winux on simulated containers: its processes, its node, and their restart."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import update

from tests.adapters.lab import TEMPLATE, environment_of, make_template
from tests.chaos.clock import ShiftedClock
from tests.labnode.server import Client, LabNode, allow_more
from tests.portal import PASSWORD, publish_template
from webapp import bootstrap
from webapp.adapters import migration
from webapp.adapters.secrets import ArgonHasher
from webapp.bootstrap import Services
from webapp.config import ROOT, load
from webapp.domain.people.roles import Role
from webapp.models import Template
from webapp.services.audit.record import SYSTEM, Actor

#: argon2id as in the product, at a lower cost that allows many sign-ins.
QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
#: Simulated containers take some time, so that a kill can hit each step.
TIMINGS = {"clone": 0.05, "start": 0.05, "stop": 0.02, "shutdown": 0.05, "destroy": 0.03}
READY_S = 60.0
#: Minutes for which a paused desktop is kept.
PAUSE_MINUTES = 24 * 60


class World:
    """A complete portal in one folder; `number` distinguishes worlds that run at the same time."""

    def __init__(self, folder: Path, number: int = 1, people: int = 2, **settings: str) -> None:
        self.folder = folder
        self.number = number
        for name in ("lab", "guests", "log", "database", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.clock_file = folder / "clock"
        self.clock = ShiftedClock(self.clock_file)
        self.clock.set(0)
        self._read_until = 0
        self.node = LabNode(folder / "lab", ["--faults"], url=f"https://127.0.0.1:{18200 + number}")
        allow_more(self.node.state_dir, "/pool/winux")  # to read the pool when checking for leaks
        (self.node.state_dir / "timings.json").write_text(json.dumps(TIMINGS))
        self._make_key()
        self._copy_playbooks()
        self.node.start()
        self.guests = self._start("guests", self._guests_command())
        make_template(self.node.client())
        self.environment = self._environment(settings)
        self.services = self._services()
        migration.migrate(self.services.db)
        publish_template(self.services, max_pause_minutes=PAUSE_MINUTES)
        self.people = [self._add_person(f"person{n}") for n in range(1, people + 1)]
        self.root = self._add_person("root", role=Role.ADMIN)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{18400 + self.number}"

    @property
    def portal_id(self) -> str:
        return self.environment["WINUX_PORTAL_ID"]

    @property
    def database(self) -> Path:
        return self.folder / "database" / "winux.db"

    @property
    def playbooks(self) -> Path:
        return self.folder / "playbooks"

    @property
    def trap(self) -> Path:
        """Write it to set the trap (plugins/task_trap.py); the trap removes it when it acts."""
        return self.playbooks / "trap.json"

    @property
    def hold(self) -> Path:
        """Delays a desktop's answer (guests.py)."""
        return self.folder / "guests" / "hold"

    def reopen(self) -> Services:
        """Return services on new connections, for a forked process."""
        return self._services()

    def set_pool(self, size: int) -> None:
        """Set the number of desktops that are kept warm."""
        with self.services.db.begin() as session:
            values = {"pool_min": 0, "pool_target": size, "pool_max": size}
            session.execute(update(Template).values(**values))

    # -- processes --------------------------------------------------------------------------------

    def start_web(self) -> subprocess.Popen[bytes]:
        """Start the real web server; the caller polls `is_web_up`."""
        gunicorn = str(Path(sys.executable).with_name("gunicorn"))
        bind = self.url.removeprefix("http://")
        options = ["--bind", bind, "--workers", "2", "--threads", "4", "--graceful-timeout", "2"]
        return self._start("web", [gunicorn, *options, "tests.chaos.web:app"])

    def is_web_up(self) -> bool:
        host, _, port = self.url.removeprefix("http://").partition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return True
        return False

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        return self._start("worker", [sys.executable, "-m", "tests.chaos.worker", *options])

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=getattr(self, "environment", dict(os.environ)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def broken_jobs(self) -> list[str]:
        """Return the log lines about workers' own defects since the last call."""
        log = self.folder / "log/worker.log"
        if not log.exists():
            return []
        with log.open("rb") as file:
            file.seek(self._read_until)
            lines = file.read().decode(errors="replace").splitlines()
            self._read_until = file.tell()
        return [line for line in lines if '"Job failed"' in line]

    def counted(self, word: str) -> int:
        """Return the number of lines in the workers' log that contain a word."""
        log = self.folder / "log/worker.log"
        return sum(word in line for line in log.open(errors="replace")) if log.exists() else 0

    def fork(self, name: str, work: Callable[[], bool]) -> int:
        """Do `work` in a forked process, which starts faster than a new one; return its pid.

        The process ends with 0 if `work` returns true.
        """
        self.services.db.close()
        pid = os.fork()
        if pid:
            return pid
        code = 70
        try:
            with (self.folder / "log" / f"{name}.log").open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            os.environ.clear()
            os.environ.update(self.environment)
            code = 0 if work() else 1
        except BaseException:  # noqa: BLE001 (the child must not continue as the parent)
            traceback.print_exc()
        finally:
            os._exit(code)

    def end(self) -> None:
        """End all processes that this world started."""
        self.services.db.close()
        self.guests.kill()
        self.guests.wait()
        self.node.stop()

    def keep_database(self) -> None:
        """Copy the database to a place outside its disk."""
        for file in self.database.parent.glob("winux.db*"):
            shutil.copy(file, self.folder / file.name)

    # -- the node ---------------------------------------------------------------------------------

    def fault(self, *faults: dict[str, object]) -> None:
        """Replace all faults of the node by these."""
        client = self.control()
        answer = client("PUT", "/labnode/faults", None, json=list(faults), is_whole=True)
        assert answer.status == 200, answer.text

    def faults(self) -> list[dict[str, object]]:
        answer = self.control()("GET", "/labnode/faults", is_whole=True)
        return list(answer.json)

    def control(self) -> Client:
        return Client(self.node.url, str(self.node.state_dir / "ca.pem"))

    def is_node_dead(self) -> bool:
        return self.node.process is None or self.node.process.poll() is not None

    def revive_node(self) -> bool:
        """Start the node again if it has died; return whether it had."""
        if not self.is_node_dead():
            return False
        self.node.start()
        return True

    # -- creation ---------------------------------------------------------------------------------

    def _make_key(self) -> None:
        key = self.folder / "guest_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)

    def _copy_playbooks(self) -> None:
        """Copy the real playbooks, and add a trap."""
        shutil.copytree(
            ROOT / "playbooks", self.playbooks
        )  # the copy follows links to files outside
        callbacks = self.playbooks / "callback_plugins"
        callbacks.mkdir()
        shutil.copy(Path(__file__).parent / "plugins/task_trap.py", callbacks)

    def _guests_command(self) -> list[str]:
        memory, key = self.node.state_dir / "memory", self.folder / "guest_key.pub"
        places = [str(memory), str(self.folder / "guests"), str(key)]
        return [sys.executable, "-m", "tests.chaos.guests", *places]

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "CHAOS_CLOCK": str(self.clock_file),
            **environment_of(
                self.node,
                self.folder,
                WINUX_DATABASE_URL=f"sqlite:///{self.database}",
                WINUX_PORTAL_ID=f"chaos{self.number}",
                WINUX_PUBLIC_URL=self.url,
                WINUX_NETWORK=f"127.{100 + self.number}.0.0/22",
                **{
                    "WINUX_PLAYBOOKS_DIR": str(self.playbooks),
                    "WINUX_QUARANTINE_SECONDS": "4",
                    "WINUX_RECONCILE_SECONDS": "2",
                    **settings,
                },
            ),
        }

    def _services(self) -> Services:
        config = load(self.environment)
        return bootstrap.build_services(config, clock=self.clock, hasher=ArgonHasher(QUICK))

    def _add_person(self, name: str, role: Role = Role.PERSON) -> Actor:
        person_id = self.services.accounts.add_person(SYSTEM, name, PASSWORD, role=role)
        return Actor(person_id, "192.0.2.1", role=role)


def kill(pid: int) -> None:
    """Kill a process as the kernel does when memory runs out."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_until(is_so: Callable[[], object], what: str, timeout_s: float = READY_S) -> None:
    give_up = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up, f"not after {timeout_s:.0f} s: {what}"
        time.sleep(0.01)


def fresh(folder: Path) -> Path:
    """Return an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


__all__ = ["TEMPLATE", "World", "fresh", "kill", "wait_until"]
