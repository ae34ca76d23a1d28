"""Background tasks: UPIDs, worker threads, logs and exit statuses."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from labnode.backend import BackendError
from labnode.errors import ApiError, BadParameters
from labnode.store import Document, Store

KEPT = 2000
UNDOING = ("vzcreate", "vzclone")  # these check for a stop themselves, at the end of each step
DIED = "unexpected status"  # Proxmox's status of a worker that ended without a status
UPID = re.compile(
    r"UPID:(?P<node>[a-zA-Z0-9\-]+):(?P<pid>[0-9A-F]{8}):(?P<pstart>[0-9A-F]{8,9})"
    r":(?P<starttime>[0-9A-F]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):",
    re.IGNORECASE,
)


class Died(BackendError):
    """The task's worker ended without a status, and left its locks."""

    def __init__(self) -> None:
        super().__init__(DIED)


class Log:
    """A running task's log; it also signals a request to stop to the work."""

    def __init__(self, write: Callable[[list[str]], None]) -> None:
        self.lines: list[str] = []
        self.is_interrupted = False
        self.failure = ""
        self._write = write

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._write(self.lines)

    def check(self) -> None:
        """Raise if the task should stop or fail; called where work can be undone cleanly."""
        if self.failure or self.is_interrupted:
            raise BackendError(self.failure or "interrupted by signal")


Work = Callable[[Log], None]


@dataclass(frozen=True)
class TaskFault:
    """A fault requested by a test.

    The task fails with `message`, its record is lost, or it dies and leaves its locks.
    """

    message: str = ""
    is_lost: bool = False
    leaves_locks: bool = False


class Tasks:
    """All tasks of this node, running and ended."""

    def __init__(self, store: Store, node: str, *, is_further: bool = False) -> None:
        self._node = node
        self._table = store.table(f"task@{node}" if is_further else "task")
        self._threads: dict[str, threading.Thread] = {}
        self._logs: dict[str, Log] = {}
        self._numbers = itertools.count(int(time.time() * 10) & 0xFFFFFF)
        self._began = time.monotonic()
        self._end_interrupted()

    def start(
        self, kind: str, ident: int | str, user: str, work: Work, fault: TaskFault | None = None
    ) -> str:
        """Run `work` in the background and return the task's UPID."""
        pstart = int((time.monotonic() - self._began) * 100)
        pid, now = next(self._numbers) & 0xFFFFFFFF, int(time.time())
        upid = f"UPID:{self._node}:{pid:08X}:{pstart:08X}:{now:08X}:{kind}:{ident}:{user}:"
        is_recorded = not (fault and fault.is_lost)
        self._logs[upid] = Log(lambda lines: self._save(upid, list(lines)) if is_recorded else None)
        fails = fault and is_recorded and not fault.leaves_locks
        self._logs[upid].failure = fault.message if fault and fails else ""
        if is_recorded:
            self._save(upid, [])
        thread = threading.Thread(target=self._run, args=(upid, work), name=kind, daemon=True)
        self._threads[upid] = thread
        thread.start()
        return upid

    def parse(self, upid: str) -> Document:
        """Return the parts of the UPID; raise BadParameters for an invalid one."""
        match = UPID.fullmatch(upid)
        if match is None:
            raise BadParameters({"upid": "unable to parse worker upid"})
        numbers = {key: int(match[key], 16) for key in ("pid", "pstart", "starttime")}
        words = {key: match[key] for key in ("node", "type", "id", "user")}
        return {"upid": upid, **words, **numbers}

    def get(self, upid: str) -> Document:
        """Return the stored task: log lines, exit status and end time (both None while it runs)."""
        self.parse(upid)
        task = self._table.get(upid)
        if task is None:
            raise BadParameters({"upid": "no such task"})
        return task

    def find(self, upid: str) -> Document | None:
        """Return the stored task, or None."""
        return self._table.get(upid)

    def all(self) -> list[tuple[Document, Document]]:
        """Return the UPID's parts and the stored task of each, newest first."""
        found = [(self.parse(upid), task) for upid, task in self._table.items()]
        return sorted(found, key=lambda pair: (pair[0]["starttime"], pair[0]["pid"]), reverse=True)

    def wait(self, upid: str, timeout: float | None) -> bool:
        """Wait for a task; return whether it has ended."""
        thread = self._threads.get(upid)
        if thread:
            thread.join(timeout)
        return not (thread and thread.is_alive())

    def finish(self, timeout: float) -> None:
        """Wait for running tasks to end: a restart never interrupts a clone."""
        deadline = time.monotonic() + timeout
        for thread in list(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def interrupt(self, upid: str) -> None:
        """Ask a running task to stop; clones and creates stop at the end of their step."""
        log = self._logs.get(upid)
        if log:
            log.is_interrupted = True

    def _run(self, upid: str, work: Work) -> None:
        log = self._logs[upid]
        try:
            if self.parse(upid)["type"] not in UNDOING:
                log.check()
            work(log)
            status = "OK"
        except (ApiError, BackendError, OSError) as error:
            status = str(error)
        except Exception as error:  # noqa: BLE001  # a bug must end the task, too
            status = f"internal error: {error!r}"
        last = [] if status == DIED else ["TASK OK" if status == "OK" else f"TASK ERROR: {status}"]
        if upid in self._table:
            self._save(upid, [*log.lines, *last], status)
        self._threads.pop(upid, None)
        self._logs.pop(upid, None)

    def _save(self, upid: str, lines: list[str], status: str | None = None) -> None:
        ended = int(time.time()) if status else None
        self._table.put(upid, {"log": lines, "exitstatus": status, "endtime": ended})

    def _end_interrupted(self) -> None:
        """End tasks that ran when the server was killed with Proxmox's status of a dead worker."""
        for upid, task in self._table.items():
            if task["exitstatus"] is None:
                self._save(upid, task["log"], DIED)
        for parsed, _ in self.all()[KEPT:]:
            self._table.delete(parsed["upid"])
