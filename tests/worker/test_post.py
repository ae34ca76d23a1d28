"""The complete worker sends events to webhooks promptly, and loses none when it ends."""

import json
from pathlib import Path

import pytest

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import make_environment
from tests.receiver import Receiver
from tests.worker.life import launch, running, until
from webapp import bootstrap_worker
from webapp.adapters.system import SystemClock
from webapp.bootstrap import Services
from webapp.config import Config, load
from webapp.services.audit.record import SYSTEM, Actor
from webapp.worker.loop import Worker


@pytest.fixture
def clock() -> SystemClock:
    """Threads use the real time."""
    return SystemClock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_WEBHOOK_NETWORKS="127.0.0.0/8"))


def worker(services: Services) -> Worker:
    node = FakeNode()
    made = bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=FakeProvisioner(node), hypervisor=node
    )
    return Worker(made)


def test_events_reach_a_receiver_while_the_worker_runs(
    services: Services, alice: Actor, xfce: str, receiver: Receiver
) -> None:
    services.webhooks.add(SYSTEM, receiver.url(), ["launch", "ready"])
    with running(worker(services)):
        launch(services, alice)
        until(lambda: len(receiver.received) == 2)
    assert [json.loads(one.body)["type"] for one in receiver.received] == ["launch", "ready"]


def test_one_round_for_cron_sends_them_too(
    services: Services, alice: Actor, xfce: str, receiver: Receiver
) -> None:
    services.webhooks.add(SYSTEM, receiver.url(), ["launch", "ready"])
    launch(services, alice)
    assert worker(services).run_once()
    assert len(receiver.received) == 2
