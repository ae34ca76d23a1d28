"""A lab node with real containers and the golden template on it, shared by the tests of a process.

`make test` runs the tests marked `lab` in two processes, each with a node of its own; a file lock
serializes two runs on one machine. Names come from the environment, so that a demo and a test run
can run at the same time: WINUX_TEST_LAB_DIR and _BRIDGE, to which the process's number is added,
_SUBNET and _PORT, which are those of the first process. With WINUX_TEST_LAB_KEEP=1 the node's state
and template stay for the next run.
"""

import fcntl
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labnode import containers
from labnode.network import MARK
from setup import ownership
from setup.processes import DIE_WITH_PARENT

ROOT = Path(__file__).parents[1]
PLAYBOOKS = ROOT / "playbooks"
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
#: The number of this test process, from 0.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
START_S = 30
TEMPLATE_S = 900


@dataclass
class RealLab:
    """The server process, its names, and access to containers."""

    state_dir: Path
    bridge: str
    subnet: ipaddress.IPv4Network
    port: int
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.state_dir.parent / f"{self.state_dir.name}.log"

    def start(self) -> None:
        """Start the server; return when the API responds."""
        names = [f"--state-dir={self.state_dir}", f"--listen=127.0.0.1:{self.port}"]
        places = [f"--bridge={self.bridge}", f"--subnet={self.subnet}"]
        # also if this run is interrupted and its fixtures do not end
        serve = [*DIE_WITH_PARENT, sys.executable, "-m", "labnode", "serve"]
        command = [*serve, *names, *places, "--faults"]
        ready = self.state_dir / "ready"
        ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        give_up = time.monotonic() + START_S
        while not ready.exists():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < give_up, "the lab node did not get ready"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server; containers keep running."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(90)

    def clean(self) -> None:
        """Remove containers, bridge, packet filter and state."""
        command = [sys.executable, "-m", "labnode", "clean", f"--state-dir={self.state_dir}"]
        subprocess.run(command, cwd=ROOT, check=True)
        ownership.remove(self.state_dir)

    def settings(self, token: str) -> dict[str, str]:
        """Return the environment of a token, as an operator sources it: `portal` or `builder`."""
        lines = (self.state_dir / f"{token}.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def inside(self, vmid: int, script: str) -> str:
        """Return the output of a shell script that root runs in a container."""
        where = ["-P", f"/run/winux/{self.bridge}", "-n", str(vmid), "--clear-env"]
        command = ["lxc-attach", *where, "--", "/bin/sh", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class GoldenTemplate:
    """A template published by template-build.yml, and the key for its desktops."""

    vmid: int
    name: str
    version: str
    guest_key: Path


def ansible(
    playbook: str, environment: dict[str, str], folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run `ansible-playbook` as an operator does, in `folder`, with a minimal environment."""
    command = [str(ANSIBLE), "-i", str(ROOT / "inventory/lab"), str(PLAYBOOKS / playbook), *options]
    names = ("HOME", "LANG", "WINUX_CACHE_DIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    path = f"{ANSIBLE.parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=folder,
        env=kept | {"PATH": path, "PWD": str(folder), "WINUX_ENV_FILE": os.devnull} | environment,
        capture_output=True,
        text=True,
        timeout=TEMPLATE_S,
    )


@pytest.fixture(scope="session")
def lab_node() -> Iterator[RealLab]:
    """Yield the running node; skip or fail if containers cannot run (tests/conftest.py)."""
    setting = os.environ.get
    subnet = ipaddress.IPv4Network(setting("WINUX_TEST_LAB_SUBNET", "10.203.3.0/24"))
    lab = RealLab(
        state_dir=ROOT / f"{setting('WINUX_TEST_LAB_DIR', 'var/test-lab')}{WORKER}",
        bridge=f"{setting('WINUX_TEST_LAB_BRIDGE', 'wxtlab')}{WORKER}",
        subnet=ipaddress.IPv4Network((int(subnet[0]) + WORKER * 256, subnet.prefixlen)),
        port=int(setting("WINUX_TEST_LAB_PORT", "8009")) + WORKER,
    )
    lab.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lab.log.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # wait for another run with the same names
        remove_rest(lab)
        lab.start()
        try:
            yield lab
        finally:
            lab.stop()
            if setting("WINUX_TEST_LAB_KEEP") != "1":
                lab.clean()


def remove_rest(lab: RealLab) -> None:
    """Remove bridge and containers that a killed run of another checkout left under our name.

    The other folder may be in another mount namespace, so check its processes instead.
    """
    alias = Path(f"/sys/class/net/{lab.bridge}/ifalias")
    text = alias.read_text().strip() if alias.exists() else ""
    folder = Path(text.removeprefix(MARK))
    if text.startswith(MARK) and folder != lab.state_dir and not _is_served(lab.bridge):
        containers.clean(folder, lab.bridge, keeps_files=True)


def _is_served(bridge: str) -> bool:
    option = f"--bridge={bridge}".encode()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended during the check
            if option in file.read_bytes().split(b"\0"):
                return True
    return False


@pytest.fixture(scope="session")
def golden_template(lab_node: RealLab) -> GoldenTemplate:
    """Yield the template, built by its playbook; the slow half comes from the cache."""
    key = _guest_key(lab_node.state_dir)
    result = lab_node.state_dir / "template.json"
    environment = lab_node.settings("builder") | {"WINUX_GUEST_KEY_FILE": str(key)}
    done = ansible(
        "template-build.yml", environment, lab_node.state_dir, "-e", f"result_file={result}"
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    told = json.loads(result.read_text())
    return GoldenTemplate(told["vmid"], told["name"], told["version"], key)


def _guest_key(folder: Path) -> Path:
    """Copy the key that set-up created (its template is in the cache), or create one."""
    own, key = ROOT / "var/guest_key", folder / "guest_key"
    if own.is_file():
        for suffix in ("", ".pub"):
            shutil.copy2(f"{own}{suffix}", f"{key}{suffix}")
    elif not key.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "winux", "-f", str(key)]
        subprocess.run(command, check=True)
    return key
