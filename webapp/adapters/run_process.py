"""The parent's side of an Ansible run: starts it, reads its events, and reliably ends it."""

import contextlib
import fcntl
import json
import logging
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from webapp.config import ROOT
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import INTERRUPTED

log = logging.getLogger(__name__)

#: How long a run may take to end its own processes before it is killed, in seconds.
ENDING_SECONDS = 15.0
#: How often the parent checks whether the run was cancelled, in seconds.
LISTEN_SECONDS = 0.1
LARGEST_LINE = 1 << 20
#: A process that waits for a failed disk cannot be killed; the wait ends after this many attempts.
KILL_TRIES = 100


@dataclass(frozen=True)
class RunPlace:
    """The folders for files of runs, and the portal's id that distinguishes them from others'."""

    run_dir: Path
    secrets_dir: Path
    portal_id: str

    def new_name(self) -> str:
        return f"winux-{self.portal_id}-{secrets.token_hex(6)}"

    def delete(self, name: str) -> None:
        shutil.rmtree(self.secrets_dir / name, ignore_errors=True)
        shutil.rmtree(self.run_dir / name, ignore_errors=True)

    def sweep(self) -> None:
        """Ends and deletes leftovers of runs whose own process was killed (power, memory, -9)."""
        # Exactly this portal's names: the secrets' folder is shared, and `lab` is not `lab-2`.
        pattern = f"winux-{self.portal_id}-{'[0-9a-f]' * 12}"
        found = {*self.run_dir.glob(pattern), *self.secrets_dir.glob(pattern)}
        for name in {path.name for path in found}:
            if not self._is_alive(name):
                end_marked(name)
                self.delete(name)
                log.warning("Removed leftovers of interrupted run %s", name)

    def _is_alive(self, name: str) -> bool:
        """Whether the run's process holds the folder's lock (see ansible_run.Folder)."""
        try:
            lock = os.open(self.run_dir / name / "lock", os.O_RDWR)
        except OSError:  # the process may not have created it yet
            return _is_younger(self.run_dir / name, seconds=10)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False


def _is_younger(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime < seconds
    except OSError:
        return False


class RunProcess:
    """A child process: started early, given one request, and read until it ends."""

    def __init__(
        self, place: RunPlace, playbook: Path, inventory: Path, environment: Mapping[str, str]
    ) -> None:
        self._place = place
        self._name = place.new_name()
        options = {
            "--playbook": playbook,
            "--inventory": inventory,
            "--run-dir": place.run_dir,
            "--secrets-dir": place.secrets_dir,
        }
        self._process = _popen(
            [
                sys.executable,
                *("-m", "webapp.adapters.ansible_run"),
                *(str(word) for option in options.items() for word in option),
            ],
            {**environment, "WINUX_RUN": self._name},
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def run(
        self,
        request: dict[str, Any],
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> dict[str, Any]:
        """Returns the child's report of its end: `status`, `message`, `log`, `result`."""
        try:
            self._send(request)
            deadline = time.monotonic() + request["timeout"] + ENDING_SECONDS
            return self._listen(on_step, is_cancelled, deadline)
        finally:
            self.close()

    def close(self) -> None:
        """Ends the child and makes sure that no process or file of it is left."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        end_marked(self._name)
        self._place.delete(self._name)

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin  # noqa: S101 (it was asked for)
        with contextlib.suppress(OSError):  # a child that died has reported why: read that
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(
        self, on_step: Callable[[str], None], is_cancelled: Callable[[], bool], deadline: float
    ) -> dict[str, Any]:
        buffer = b""
        is_ending = False
        while time.monotonic() < deadline:
            if not is_ending and is_cancelled():
                is_ending = True
                deadline = time.monotonic() + ENDING_SECONDS
                self._process.send_signal(signal.SIGTERM)
            chunk = self._read()
            if chunk is None:
                continue
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                event = json.loads(line)
                if "status" in event:
                    return dict(event)
                on_step(event["step"])
            if not chunk or len(buffer) > LARGEST_LINE:
                raise OutsideFailed(
                    "The Ansible run was killed before it could say why.",
                    retry=True,
                    reason=INTERRUPTED,
                )
        raise OutsideFailed(
            "The Ansible run did not end in time and was killed.", retry=True, reason=INTERRUPTED
        )

    def _read(self) -> bytes | None:
        """Returns the child's output; empty at its end, None after a moment without output."""
        assert self._process.stdout  # noqa: S101 (it was asked for)
        readable, _, _ = select.select([self._process.stdout], [], [], LISTEN_SECONDS)
        return os.read(self._process.stdout.fileno(), 65_536) if readable else None


def _popen(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the worker's terminal is for the worker
        )
    except OSError as error:  # no memory, too many processes or open files
        raise OutsideFailed(
            f"Ansible cannot be started: {error.strerror}.", retry=True, reason=INTERRUPTED
        ) from error


def end_marked(name: str) -> None:
    """Kills every process with the run's name in its environment, even one that left the group."""
    marker = f"WINUX_RUN={name}".encode()
    for _ in range(KILL_TRIES):
        left = [pid for pid in psutil.pids() if marker in _environment(pid)]
        if not left:
            return
        log.error("Killing leftover processes of run %s: %s", name, left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    log.error("Leftover processes of run %s cannot be killed: %s", name, left)


def _environment(pid: int) -> list[bytes]:
    """Returns a process's environment; empty for one that is gone, a zombie, or another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
