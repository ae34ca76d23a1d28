"""Faults on demand, for tests: slow answers, errors, lost tasks, dropped connections and more.

Available only with `--faults`. `PUT /labnode/faults` takes a JSON list that replaces all faults,
`GET` shows it with the remaining counts, `DELETE` clears it. Each fault is an object with

- `kind`: slow, error, lost-task, failed-task, empty-list, drop, html or crash (the node ends
  as by kill -9) instead of doing the request; late, lost-answer or late-crash after doing it;
  stale-lock (the task of a clone or create dies and leaves its locks; `pct unlock` of a real node
  is `PUT /labnode/unlock?vmid=N`); node-down or node-full of a `node`, as long as the fault is set;
- `path`: a regular expression over "METHOD /path?query" (without /api2/json), default all;
- `skip`: the number of such requests that pass first (default 0), `count`: the number that it then
  affects (default 1, 0: all), `delay`: seconds before it acts, less if all faults are replaced or
  cleared meanwhile;
- `status` and `reason` of an error (default 500; 401 and 595 have no body), `message` of a task.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from dataclasses import asdict, dataclass

from werkzeug.wrappers import Request, Response

from labnode.tasks import TaskFault

CONTROL = "/labnode/faults"
INSTEAD = ("slow", "error", "empty-list", "drop", "html", "crash")
OF_TASKS = ("lost-task", "failed-task", "stale-lock")
OF_NODES = ("node-down", "node-full")
AFTERWARDS = ("late", "lost-answer", "late-crash")
KINDS = (*INSTEAD, *OF_TASKS, *OF_NODES, *AFTERWARDS)
REASONS = {401: "permission denied - invalid PVE ticket", 595: "Connection refused"}
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"


@dataclass
class Fault:
    """One fault and the number of times that it still acts."""

    kind: str
    path: str = ".*"
    count: int = 1
    skip: int = 0
    delay: float = 0.0
    status: int = 500
    reason: str = ""
    message: str = "got signal 15"
    node: str = ""

    def __post_init__(self) -> None:
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path: {error}") from error
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")


class Faults:
    """The pending faults, in order; of several that match a request the first acts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._replaced = threading.Event()

    def intercept(self, request: Request) -> Response | None:
        """Return the faulty response to a request, or None to handle it normally."""
        if request.path == CONTROL:
            return self._control(request)
        fault = self._take(request, INSTEAD)
        if fault is None:
            return None
        self._act(fault, request)
        answers = {
            "slow": None,
            "error": _error(fault),
            "empty-list": Response(b'{"data":[]}', content_type="application/json;charset=UTF-8"),
            "drop": Response(b""),
            "html": Response(HTML, "502 Bad Gateway", content_type="text/html"),
        }
        return answers[fault.kind]

    def afterwards(self, request: Request) -> None:
        """Apply the faults that act after the request was done and before its response is sent."""
        fault = self._take(request, AFTERWARDS) if request.path != CONTROL else None
        if fault:
            self._act(fault, request)

    def for_task(self, request: Request) -> TaskFault | None:
        """Return the fault of the task that this request starts."""
        fault = self._take(request, OF_TASKS)
        if fault is None:
            return None
        return TaskFault(fault.message, fault.kind == "lost-task", fault.kind == "stale-lock")

    def is_down(self, node: str) -> bool:
        """Whether a node of the cluster appears switched off."""
        return self._is_so("node-down", node)

    def is_full(self, node: str) -> bool:
        """Whether a node's memory and storage appear used up."""
        return self._is_so("node-full", node)

    def _is_so(self, kind: str, node: str) -> bool:
        with self._lock:
            return any(one.kind == kind and one.node == node for one in self._faults)

    def _act(self, fault: Fault, request: Request) -> None:
        self._replaced.wait(fault.delay)
        if fault.kind in ("drop", "lost-answer"):
            request.environ["labnode.socket"].shutdown(socket.SHUT_RDWR)
        if fault.kind in ("crash", "late-crash"):
            os.kill(os.getpid(), signal.SIGKILL)

    def _take(self, request: Request, kinds: tuple[str, ...]) -> Fault | None:
        target = f"{request.method} {request.full_path.removeprefix('/api2/json').rstrip('?')}"
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and re.search(fault.path, target):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    if fault.count == 1:
                        self._faults.remove(fault)
                    fault.count -= fault.count > 0
                    return fault
        return None

    def _replace(self, faults: list[Fault]) -> None:
        """Replace the faults before the requests that are delayed by old ones continue."""
        self._faults, waiting = faults, self._replaced
        self._replaced = threading.Event()
        waiting.set()

    def _control(self, request: Request) -> Response:
        try:
            if request.method == "PUT":
                self._replace([Fault(**each) for each in json.loads(request.get_data())])
            if request.method == "DELETE":
                self._replace([])
        except (TypeError, ValueError) as error:
            return Response(f"{error}\n", 400)
        content = json.dumps([asdict(fault) for fault in self._faults])
        return Response(content, content_type="application/json")


def _error(fault: Fault) -> Response:
    reason = fault.reason or REASONS.get(fault.status, "got no worker upid - start worker failed")
    body = {"data": None, "message": f"{reason}\n"}
    content = b"" if fault.status in (401, 595) else json.dumps(body).encode()
    kind = "application/json;charset=UTF-8"
    return Response(content, f"{fault.status} {reason}", content_type=kind)
