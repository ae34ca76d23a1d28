"""The real worker process, the real playbooks and the lab node's API together.

The containers are simulated, so a build fails or hangs when it first connects to the desktop.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.adapters.conftest import rests
from tests.adapters.evil import listing, processes_of
from tests.adapters.lab import create, desktops_on, environment_of, fault
from tests.labnode.server import LabNode
from tests.portal import PASSWORD, publish_template
from tests.worker.life import reservations, row
from webapp import bootstrap
from webapp.adapters import migration
from webapp.adapters.ansible import AnsibleProvisioner
from webapp.bootstrap import Services
from webapp.config import ROOT, load
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import EndReason, State
from webapp.models import DesktopStep
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest

pytestmark = pytest.mark.slow


@dataclass
class Portal:
    """A portal's services, and the environment of its processes."""

    services: Services
    environment: dict[str, str]
    owner: Actor
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def launch(self) -> str:
        return self.services.launcher.launch(self.owner, LaunchRequest())

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        secrets = {"proxmox_api_token_secret", "WINUX_ENCRYPTION_KEY", "WINUX_SECRET_KEY"}
        environment = {k: v for k, v in self.environment.items() if k not in secrets}
        for name in secrets:
            file = self.services.config.run_dir.parent / f"secret.{name}"
            file.write_text(self.environment[name])
            environment[f"{name}_FILE"] = str(file)
        with (self.services.config.run_dir.parent / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "webapp", "worker", *options],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **environment},
                stderr=log,
            )
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """End processes that a failed test left."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.services.db.close()

    def step(self) -> str:
        """Return the current step of the newest build."""
        with self.services.db.read() as session:
            query = select(DesktopStep.name).order_by(DesktopStep.id.desc()).limit(1)
            return session.scalar(query) or ""


@pytest.fixture
def guest_key(tmp_path: Path) -> Path:
    """Write a key that no desktop accepts."""
    key = tmp_path / "guest_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


@pytest.fixture
def portal(lab: LabNode, tmp_path: Path, portal_id: str, guest_key: Path) -> Iterator[Portal]:
    environment = environment_of(
        lab,
        tmp_path,
        WINUX_PORTAL_ID=portal_id,
        WINUX_LEASE_SECONDS="3",
        WINUX_GUEST_KEY_FILE=str(guest_key),
        WINUX_NETWORK="127.203.0.0/24",  # connections there fail at once
    )
    services = bootstrap.build_services(load(environment))
    migration.migrate(services.db)
    publish_template(services)
    owner = Actor(services.accounts.add_person(SYSTEM, "alice", PASSWORD))
    portal = Portal(services, environment, owner)
    yield portal
    portal.close()
    assert processes_of(portal_id) == []
    assert rests(services.config) == []


def _until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    patience = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < patience, "it did not happen in time"
        time.sleep(0.05)


def test_a_build_that_fails_half_way_leaves_nothing_on_the_node(
    lab: LabNode, portal: Portal, guest_key: Path
) -> None:
    guest_key.unlink()
    public_id = portal.launch()
    assert portal.start_worker("--once").wait(120) == 0
    desktop = row(portal.services, public_id)
    assert (desktop.state, desktop.end_reason) == (State.ENDED, EndReason.FAILED)
    assert "guest_key" in (desktop.failure or "")
    assert "desktop_personalise" in (desktop.failure_log or "")
    assert (desktops_on(lab), reservations(portal.services)) == ([], 0)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("step", "call"),
    [
        ("desktop_clone", "POST .*/clone"),
        ("desktop_configure", "PUT .*/config"),
        ("desktop_start", "POST .*/status/start"),
        ("desktop_personalise", "nothing: nobody answers there"),
    ],
)
def test_a_worker_killed_in_a_step_leaves_nothing_once_another_one_worked(
    lab: LabNode, portal: Portal, step: str, call: str
) -> None:
    fault(lab, "late", path=call, count=1, delay=10)
    public_id = portal.launch()
    worker = portal.start_worker()
    _until(lambda: portal.step() == step)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _until(lambda: not processes_of(portal.services.config.portal_id))
    portal.services.lifetime.stop(portal.owner, public_id)
    time.sleep(3.2)  # its lease
    assert portal.start_worker("--once").wait(120) == 0
    assert row(portal.services, public_id).state == State.ENDED
    assert (desktops_on(lab), reservations(portal.services)) == ([], 0)


def test_a_worker_that_is_told_to_end_takes_its_runs_with_it(lab: LabNode, portal: Portal) -> None:
    public_id = portal.launch()
    worker = portal.start_worker()
    _until(lambda: portal.step() == "desktop_personalise")
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGINT)  # in a hurry
    assert worker.wait(60) == 0
    assert time.monotonic() - began < 30
    desktop = row(portal.services, public_id)
    assert (desktop.state, desktop.worked_by) == (State.BUILDING, None)
    portal.services.lifetime.stop(portal.owner, public_id)
    assert portal.start_worker("--once").wait(120) == 0
    assert desktops_on(lab) == []


def test_no_secret_is_seen_anywhere_while_a_worker_builds(
    lab: LabNode, portal: Portal, tmp_path: Path
) -> None:
    public_id = portal.launch()
    password = portal.services.vault.unlock(row(portal.services, public_id).password_locked or b"")
    worker = portal.start_worker()
    _until(lambda: portal.step() == "desktop_personalise")
    processes = listing()
    portal.services.lifetime.stop(portal.owner, public_id)
    _until(lambda: row(portal.services, public_id).state == State.ENDED)
    worker.terminate()
    worker.wait(60)
    token = portal.environment["proxmox_api_token_secret"]
    assert "ansible_playbook.py" in processes  # the check happened during the step
    for secret in (password, token):
        assert secret not in processes
    files = [
        file
        for file in tmp_path.rglob("*")
        if file.is_file()
        and lab.state_dir not in file.parents
        and file.name != "secret.proxmox_api_token_secret"
    ]
    assert {"winux.db", "worker.log"} <= {file.name for file in files}
    for file in files:
        content = file.read_bytes()
        assert password.encode() not in content, file
        assert token.encode() not in content, file


def try_again_now(portal: Portal, public_id: str) -> None:
    """Advance the clock past the delay before the next attempt."""
    desktop = row(portal.services, public_id)
    with portal.services.db.begin() as session:
        desktop.retry_at = None
        session.add(desktop)


def test_a_launch_waits_for_a_proxmox_that_is_down_and_goes_on_when_it_is_back(
    lab: LabNode, portal: Portal
) -> None:
    public_id = portal.launch()
    lab.kill()
    assert portal.start_worker("--once").wait(180) == 1
    desktop = row(portal.services, public_id)
    assert (desktop.state, desktop.failure_reason) == (State.BUILDING, "unreachable")
    assert desktop.retry_at
    assert reservations(portal.services) == 2
    lab.start()
    try_again_now(portal, public_id)
    portal.start_worker("--once").wait(120)
    assert "desktop_personalise" in (row(portal.services, public_id).failure_log or "")


@pytest.mark.sampled(0)
def test_a_stop_waits_for_a_proxmox_that_is_down_and_goes_on_when_it_is_back(
    lab: LabNode, portal: Portal
) -> None:
    public_id = portal.launch()
    lab.kill()
    assert portal.start_worker("--once").wait(180) == 1
    portal.services.lifetime.stop(portal.owner, public_id)
    try_again_now(portal, public_id)
    assert portal.start_worker("--once").wait(180) == 1
    assert row(portal.services, public_id).state == State.STOPPING
    assert reservations(portal.services) == 2  # the state of the node is still unknown
    lab.start()
    try_again_now(portal, public_id)
    assert portal.start_worker("--once").wait(120) == 0
    assert row(portal.services, public_id).state == State.ENDED


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("failed-task", {"path": "POST .*/clone"}),
        ("error", {"path": "POST .*/clone", "status": 500, "reason": "storage is full"}),
    ],
)
def test_a_clone_that_fails_is_told_and_leaves_nothing(
    lab: LabNode, portal: Portal, kind: str, how: dict[str, object]
) -> None:
    public_id = portal.launch()
    fault(lab, kind, **how)
    portal.start_worker("--once").wait(180)
    desktop = row(portal.services, public_id)
    assert (desktop.state, desktop.end_reason) == (State.ENDED, EndReason.FAILED)
    assert desktop.failure
    assert (desktops_on(lab), reservations(portal.services)) == ([], 0)


def test_a_foreign_container_is_never_destroyed(lab: LabNode, portal: Portal) -> None:
    create(lab.client(), 30001, hostname="somebody-elses")
    provisioner = AnsibleProvisioner(portal.services.config)
    with pytest.raises(OutsideFailed):
        provisioner.destroy("desktop-0a1b2c3d", 30001)
    assert desktops_on(lab) == [30001]
    provisioner.destroy("desktop-0a1b2c3d", 30002)  # already removed: nothing to do
