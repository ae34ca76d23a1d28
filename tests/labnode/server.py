"""A real lab node process for tests, and a client that returns raw answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from labnode.access import Access
from labnode.setup import USER
from labnode.store import Store

ROOT = Path(__file__).parents[2]
START_S = 20


@dataclass
class Answer:
    """Status, reason line and body of one answer."""

    status: int
    reason: str
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def data(self) -> Any:
        return self.json["data"]


def allow_more(state_dir: Path, path: str) -> None:
    """Give both tokens rights that the product does not need; call it before the node starts."""
    access = Access(Store(state_dir / "state.sqlite"))
    access.roles.put("More", {"privs": ["Pool.Audit", "VM.Snapshot", "VM.Snapshot.Rollback"]})
    access.grant(path, ["More"], "users", [USER])
    access.grant(path, ["More"], "tokens", [f"{USER}!portal", f"{USER}!builder"])


@dataclass
class LabNode:
    """One server process on an ephemeral port, which can be killed and started repeatedly."""

    state_dir: Path
    options: list[str] = field(default_factory=list)
    backend: str = "memory"
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def start(self) -> LabNode:
        command = [sys.executable, "-m", "labnode", "serve", "--state-dir", str(self.state_dir)]
        listen = ["--listen", self.url.removeprefix("https://") or "127.0.0.1:0"]
        log = (self.state_dir.parent / "labnode.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*command, "--backend", self.backend, *listen, *self.options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        ready, deadline = self.state_dir / "ready", time.monotonic() + START_S
        while not (ready.exists() and json.loads(ready.read_text())["pid"] == self.process.pid):
            assert self.process.poll() is None, (self.state_dir.parent / "labnode.log").read_text()
            assert time.monotonic() < deadline, "the lab node did not get ready"
            time.sleep(0.02)
        self.url = json.loads(ready.read_text())["url"]
        return self

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(70)

    def settings(self, token: str = "builder") -> dict[str, str]:
        lines = (self.state_dir / f"{token}.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def client(self, token: str = "builder") -> Client:
        values = self.settings(token)
        user, name = values["proxmox_api_user"], values["proxmox_api_token_id"]
        header = f"PVEAPIToken={user}!{name}={values['proxmox_api_token_secret']}"
        return Client(self.url, values["proxmox_ca_file"], {"Authorization": header})


@dataclass
class Client:
    """Sends requests unchanged."""

    url: str
    ca_file: str
    headers: dict[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(self, method: str, path: str, params: Any = None, **more: Any) -> Answer:
        target = path if more.pop("is_whole", path.startswith("/api2")) else f"/api2/json{path}"
        place = "data" if method in ("POST", "PUT") else "params"
        answer = self.session.request(
            method,
            self.url + target,
            headers={**self.headers, **more.pop("headers", {})},
            verify=self.ca_file,
            timeout=60,
            **{place: params, **more},
        )
        return Answer(answer.status_code, answer.reason, answer.text, dict(answer.headers))

    def get(self, path: str, **params: Any) -> Answer:
        return self("GET", path, params)

    def post(self, path: str, **params: Any) -> Answer:
        return self("POST", path, params)

    def put(self, path: str, **params: Any) -> Answer:
        return self("PUT", path, params)

    def delete(self, path: str, **params: Any) -> Answer:
        return self("DELETE", path, params)

    def wait(self, upid: str, timeout: float = 30) -> str:
        """Wait for a task; return its exit status."""
        node, deadline = upid.split(":")[1], time.monotonic() + timeout
        while time.monotonic() < deadline:
            task = self.get(f"/nodes/{node}/tasks/{upid}/status").data
            if task["status"] == "stopped":
                return str(task["exitstatus"])
            time.sleep(0.02)
        raise AssertionError(f"{upid} still runs after {timeout} s")

    def done(self, answer: Answer) -> str:
        """Return the exit status of the task that an answer names."""
        assert answer.status == 200, answer
        return self.wait(answer.data)
