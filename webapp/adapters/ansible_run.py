"""One Ansible run in a process of its own: `python -m webapp.adapters.ansible_run`.

It starts early and prepares everything that does not depend on the request. Its standard input then
receives one line of JSON (`vars`, `secrets`, `timeout` in seconds) and stays open as long as the
run is needed; its standard output reports the steps and the end as JSON lines. When its input ends
(the worker process died), on SIGTERM and on timeout, it ends all its descendants: it is their
subreaper, so even daemons cannot escape. In every case it deletes the files it wrote, secrets
first.
"""

import argparse
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import shlex
import shutil
import signal
import sys
import threading
from collections import deque
from pathlib import Path
from types import FrameType
from typing import Any

import ansible_runner
import psutil

from webapp.adapters.redaction import redact
from webapp.adapters.run_vars import as_data
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import INTERRUPTED

PR_SET_CHILD_SUBREAPER = 36
#: The maximum size of each process of a run, and of each file it writes, in bytes.
LARGEST_PROCESS = 2 << 30
LARGEST_FILE = 64 << 20
#: How much of a run's output is kept for the admin: lines, characters per line.
LOG_LINES = 60
LOG_LINE = 500
LARGEST_RESULT = 64 << 10

#: ansible-core's message, without a task name, when one of its forks was killed.
DEAD_FORK = "A worker was found in a dead state"

PLAYBOOK_PROGRAM = Path(__file__).with_name("ansible_playbook.py")


class Ended(BaseException):
    """The run must end now. A BaseException, so handlers of ordinary exceptions do not catch it."""


class Folder:
    """The run's files: `path` (mode 0700) for all, `secret_path` (on tmpfs) for secrets."""

    def __init__(self, path: Path, secret_path: Path) -> None:
        self.path = path
        self.secret_path = secret_path
        self.gate = path / "gate"
        self.vars = path / "vars.json"
        self.result = path / "result.json"
        self.secrets = secret_path / "secrets.json"

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True)
        self._hold_lock()
        self.secret_path.mkdir(mode=0o700)
        os.mkfifo(self.gate, 0o600)

    def _hold_lock(self) -> None:
        """Hold a lock until this process ends; it marks the folder as that of a live run."""
        self._lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def delete(self) -> None:
        shutil.rmtree(self.secret_path, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)


class Reporter:
    """Reports to the parent process with JSON lines on the real standard output."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # nothing that a library prints may mix with the lines
        self._lock = threading.Lock()

    def tell(self, **event: Any) -> None:
        # If the parent is gone, the end of the input reports that too.
        with self._lock, contextlib.suppress(OSError):
            print(json.dumps(event), file=self._out, flush=True)


class Run:
    """The run itself: waits for its request, runs the playbook, reports the result."""

    def __init__(self, options: argparse.Namespace, reporter: Reporter) -> None:
        name = os.environ["WINUX_RUN"]
        self._options = options
        self._reporter = reporter
        self._folder = Folder(options.run_dir / name, options.secrets_dir / name)
        self._secrets: list[str] = []
        self._step = ""
        self._failure = ""
        self._reason = ""
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._why_ended = ""
        self._is_ending = False
        self._has_dead_fork = False

    def run(self) -> None:
        """Run everything and leave no process or file behind."""
        signal.signal(signal.SIGTERM, self._on_sigterm)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker process handles Ctrl-C
        status = "failed"
        try:
            self._folder.make()
            self._prepare_environment()
            threading.Thread(target=self._listen, daemon=True).start()
            status = self._run_playbook()
        except Ended:
            self._failure, self._reason = self._why_ended, INTERRUPTED
        except Exception as error:  # noqa: BLE001 (whatever breaks in a library is a failed run)
            if not self._failure:
                places = (self._options.run_dir, self._options.secrets_dir)
                self._failure, self._reason = _why_broken(error, places), INTERRUPTED
        finally:
            self._is_ending = True
            end_descendants()
            self._tell_end(status)
            self._folder.delete()

    # -- request --------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Read the request, start the playbook, and watch for the end of the input."""
        try:
            if line := _read_line():
                self._begin(json.loads(line))
                while os.read(0, 4096):
                    continue
        except OSError as error:
            self._end(f"The run could not be prepared: {error.strerror}.")
        except OutsideFailed as error:
            self._end(str(error))
        self._end("The worker that ran it ended.")

    def _begin(self, request: dict[str, Any]) -> None:
        timer = threading.Timer(request["timeout"], self._end, ["It took too long and was ended."])
        timer.daemon = True
        timer.start()
        self._write_request(request)
        self._folder.gate.write_bytes(b"")

    def _write_request(self, request: dict[str, Any]) -> None:
        self._secrets = [str(secret) for secret in request["secrets"].values()]
        _write_private(self._folder.secrets, request["secrets"])
        files = {"secrets_file": str(self._folder.secrets), "result_file": str(self._folder.result)}
        _write_private(self._folder.vars, as_data(request["vars"] | files))

    def _end(self, why: str) -> None:
        """Make the main thread end the run; called from another thread."""
        self._why_ended = self._why_ended or why
        os.kill(os.getpid(), signal.SIGTERM)

    def _on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_ending:
            self._is_ending = True
            self._why_ended = self._why_ended or "It was cancelled."
            raise Ended

    # -- the playbook ---------------------------------------------------------------------------

    def _prepare_environment(self) -> None:
        """Put Ansible's temporary files with the secrets: module files contain their arguments."""
        os.environ["WINUX_GATE"] = str(self._folder.gate)
        os.environ["HOME"] = str(self._folder.path)
        os.environ["ANSIBLE_HOME"] = str(self._folder.path / "ansible")
        os.environ["ANSIBLE_LOCAL_TEMP"] = str(self._folder.secret_path / "local")
        os.environ["ANSIBLE_REMOTE_TEMP"] = str(self._folder.secret_path / "remote")
        os.environ["TMPDIR"] = str(self._folder.secret_path)

    def _run_playbook(self) -> str:
        program = ["-P", str(PLAYBOOK_PROGRAM), str(self._options.playbook)]
        runner = ansible_runner.run(
            private_data_dir=str(self._folder.path),
            binary=sys.executable,
            cmdline=shlex.join([*program, "-e", f"@{self._folder.vars}"]),
            inventory=str(self._options.inventory),
            event_handler=self._on_event,
            cancel_callback=lambda: False,  # without one the runner sets signal handlers
            settings={"suppress_output_file": True, "suppress_ansible_output": True},
            quiet=True,
        )
        if not self._failure and (runner.rc is None or self._has_dead_fork):
            self._failure = "The Ansible run was killed in the middle."
            self._reason = INTERRUPTED
        return str(runner.status)

    def _on_event(self, event: dict[str, Any]) -> bool:
        """Record step, failure and output; returns False, so that no event is stored in a file."""
        output = redact(event.get("stdout", ""), self._secrets)  # before it is truncated
        self._has_dead_fork |= DEAD_FORK in output
        self._log.extend(line[:LOG_LINE] for line in output[-20_000:].splitlines())
        data = event.get("event_data") or {}
        role = data.get("role")
        if event.get("event") == "playbook_on_task_start" and role and role != self._step:
            self._step = role
            self._reporter.tell(step=role)
        is_failure = event.get("event") in {"runner_on_failed", "runner_on_unreachable"}
        if is_failure and not data.get("ignore_errors"):
            self._failure = _failure_message(data)
            self._reason = str((data.get("res") or {}).get("reason") or "")[:16]
        return False

    # -- the end --------------------------------------------------------------------------------

    def _tell_end(self, status: str) -> None:
        self._reporter.tell(
            status=status,
            message=redact(self._failure, self._secrets)[:2000],
            reason=self._reason,
            log=redact("\n".join(self._log), self._secrets),
            result=self._read_result() if status == "successful" else None,
        )

    def _read_result(self) -> Any:
        try:
            with self._folder.result.open("rb") as file:
                return json.loads(file.read(LARGEST_RESULT))
        except (OSError, ValueError):
            return None


def _why_broken(error: Exception, places: tuple[Path, Path]) -> str:
    """Returns the run folders on a full disk with the cure, or the error's own text."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        # A failed write does not name its file.
        folders = " ".join(map(str, filter(_is_full, places))) or " ".join(map(str, places))
        return f"No space left in {folders}. Free some: df -h {folders}"
    return f"The run broke: {type(error).__name__}: {error}"


def _is_full(folder: Path) -> bool:
    try:
        disk = os.statvfs(folder)
    except OSError:  # removed meanwhile
        return False
    return disk.f_bavail == 0 or disk.f_favail == 0


def _failure_message(data: dict[str, Any]) -> str:
    """Returns the failed task's message, or the task's name if the message is hidden."""
    result = data.get("res") or {}
    message = result.get("msg") or ""
    if not message:
        return f"The task {data.get('task', '')!r} failed; what it says is hidden or too long."
    return message if isinstance(message, str) else json.dumps(message)


def _read_line() -> bytes:
    """Reads one line of the input, unbuffered: a thread blocked in `sys.stdin` breaks the exit."""
    line = b""
    while not line.endswith(b"\n") and (chunk := os.read(0, 65_536)):
        line += chunk
    return line


def _write_private(path: Path, content: dict[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(content, file)


def become_subreaper() -> None:
    """Make orphaned descendants children of this process (prctl(2)), so that none is lost."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def limit_resources() -> None:
    """Limit memory and file sizes, so that a runaway playbook cannot fill the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_PROCESS, LARGEST_PROCESS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_descendants() -> None:
    """Kill and reap every descendant, including those that are forked in the meantime."""
    me = psutil.Process()
    while descendants := me.children(recursive=True):
        for process in descendants:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(descendants, timeout=0.2)
        _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def main() -> None:
    parser = argparse.ArgumentParser(description="One Ansible run; started by the worker.")
    for name in ("--playbook", "--inventory", "--run-dir", "--secrets-dir"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    os.umask(0o077)
    become_subreaper()
    limit_resources()
    Run(options, Reporter()).run()
    os._exit(0)  # the parent waits for this process; an orderly exit would take longer


if __name__ == "__main__":
    main()
