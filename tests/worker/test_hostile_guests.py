"""Desktops with invalid or missing answers do not affect other desktops."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import make_environment
from tests.worker.life import launch, row, running, until
from webapp import bootstrap_worker
from webapp.adapters.system import SystemClock
from webapp.bootstrap import Services
from webapp.config import Config, load
from webapp.domain.desktops.guest_trouble import NONSENSE
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.services.audit.record import Actor
from webapp.worker.loop import Worker

pytestmark = pytest.mark.usefixtures("xfce")


@pytest.fixture
def clock() -> SystemClock:
    """Threads use the real time."""
    return SystemClock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_WORKER_SLOTS="1"))


class MuteProvisioner(FakeProvisioner):
    """Its desktops do not answer before the test is over."""

    def __init__(self, node: FakeNode) -> None:
        super().__init__(node)
        self.is_asked = threading.Event()
        self.is_over = threading.Event()

    def set_deadline(self, address: str, ssh_host_key_sha256: str, deadline_at: datetime) -> None:
        self.is_asked.set()
        self.is_over.wait(60)
        raise OutsideFailed("ssh got no answer", retry=True)


class NonsenseProvisioner(FakeProvisioner):
    """Its desktops send answers that winux-guest never sends."""

    asked = 0

    def set_deadline(self, address: str, ssh_host_key_sha256: str, deadline_at: datetime) -> None:
        self.asked += 1
        raise OutsideFailed("An answer that cannot be believed", retry=False, reason=NONSENSE)


def _worker(services: Services, provisioner: FakeProvisioner) -> Worker:
    return Worker(
        bootstrap_worker.build_worker_services(
            services,
            f"worker-{id(provisioner)}",
            provisioner=provisioner,
            hypervisor=provisioner.node,
        ),
        grace_seconds=1,
    )


def _forget_deadline(services: Services, public_id: str) -> None:
    with services.db.begin() as session:
        one = session.scalars(select(Desktop).where(Desktop.public_id == public_id)).one()
        one.deadline_told_at = one.deadline_told_at and one.deadline_told_at - timedelta(minutes=5)


def test_while_a_desktop_is_mute_the_only_slot_builds_others(
    services: Services, alice: Actor, bob: Actor
) -> None:
    mute = MuteProvisioner(FakeNode())
    try:
        with running(_worker(services, mute)):
            first = launch(services, alice)
            until(lambda: row(services, first).state == State.READY)
            _forget_deadline(services, first)
            until(mute.is_asked.is_set)
            second = launch(services, bob)
            until(lambda: row(services, second).state == State.READY)
            assert not mute.is_over.is_set()
            mute.is_over.set()
    finally:
        mute.is_over.set()


def test_a_desktop_that_answers_nonsense_is_marked_and_left_alone_for_a_while(
    services: Services, alice: Actor
) -> None:
    liar = NonsenseProvisioner(FakeNode())
    with running(_worker(services, liar)):
        public_id = launch(services, alice)
        until(lambda: row(services, public_id).state == State.READY)
        _forget_deadline(services, public_id)
        until(lambda: row(services, public_id).guest_trouble)
    marked = row(services, public_id)
    assert (marked.guest_failures, liar.asked) == (1, 1)
    assert marked.guest_trouble == "An answer that cannot be believed"
    assert marked.ask_again_at
    assert marked.ask_again_at > services.clock.now() + timedelta(seconds=20)
    assert marked.state == State.READY
