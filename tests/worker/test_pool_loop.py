"""The complete worker: pools fill in the background, and never delay people."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import make_environment
from tests.worker.life import launch, row, running, until
from webapp import bootstrap_worker
from webapp.adapters.system import SystemClock
from webapp.bootstrap import Services
from webapp.config import Config, load
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import State
from webapp.ports import BuildOrder
from webapp.services.audit.record import SYSTEM, Actor
from webapp.worker.loop import Worker

#: Long enough that a person who waited for one would time out, on the slowest machine.
BUILD_S = 40.0
SOON_S = 20.0


class SteadyProvisioner(FakeProvisioner):
    """Builds slowly, and notices a cancellation at once."""

    def __init__(self, node: FakeNode) -> None:
        super().__init__(node)
        self.seconds = BUILD_S
        self.running: set[str] = set()
        self.cancelled: set[str] = set()

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment != "desktop_start":
            return
        self.running.add(order.desktop_id)
        began = time.monotonic()
        while time.monotonic() < began + self.seconds:
            if is_cancelled():
                self.cancelled.add(order.desktop_id)
                self.running.discard(order.desktop_id)
                raise OutsideFailed("It was cancelled.", retry=True)
            time.sleep(0.02)
        self.running.discard(order.desktop_id)


@pytest.fixture
def clock() -> SystemClock:
    """Threads and leases use the real time."""
    return SystemClock()


@pytest.fixture(params=["1", "2", "3"])
def config(tmp_path: Path, request: pytest.FixtureRequest) -> Config:
    return load(make_environment(tmp_path, WINUX_WORKER_SLOTS=request.param))


@pytest.fixture
def provisioner() -> SteadyProvisioner:
    return SteadyProvisioner(FakeNode())


@pytest.fixture
def worker(services: Services, provisioner: SteadyProvisioner) -> Worker:
    made = bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=provisioner, hypervisor=provisioner.node
    )
    return Worker(made)


def warm(services: Services) -> int:
    return len(services.pools.one("xfce").warm)


def test_launches_are_as_quick_as_without_a_pool_that_fills(
    services: Services,
    alice: Actor,
    xfce: str,
    worker: Worker,
    provisioner: SteadyProvisioner,
    config: Config,
) -> None:
    """For any number of slots: as many people as there are slots do not wait for the pool, although
    all slots but the first one are building for it."""
    slots = config.worker_slots
    services.pools.change(SYSTEM, "xfce", {"target": 9, "max": 9})
    with running(worker):
        until(lambda: len(provisioner.running) == max(1, slots - 1), SOON_S)
        first = launch(services, alice)
        until(lambda: first in provisioner.running, SOON_S)
        if slots > 1:
            assert provisioner.cancelled == set(), "the first slot is kept for people"
        others = [launch(services, alice) for _ in range(slots - 1)]
        until(lambda: provisioner.running == {first, *others}, SOON_S)
        provisioner.seconds = 0
        until(lambda: all(row(services, one).state == State.READY for one in others), SOON_S)
        until(lambda: warm(services) == 9, 60)


def test_a_pool_is_refilled_soon_after_somebody_took_from_it(
    services: Services, alice: Actor, xfce: str, worker: Worker, provisioner: SteadyProvisioner
) -> None:
    provisioner.seconds = 0
    services.pools.change(SYSTEM, "xfce", {"target": 2, "max": 2})
    with running(worker):
        until(lambda: warm(services) == 2, SOON_S)
        taken = launch(services, alice)
        assert row(services, taken).state == State.READY
        until(lambda: warm(services) == 2, SOON_S)
