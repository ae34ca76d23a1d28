"""Killed runs (memory, a signal) are repeated, and never count as the template's failures."""

import pytest

from tests.fakes import FakeNode, FakeProvisioner, InterruptedProvisioner
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, row
from tests.worker.test_assign import ANNA, build_for_pool
from webapp.bootstrap import Services
from webapp.domain.provisioning.clone_queue import INTERRUPTED
from webapp.domain.states import State
from webapp.services.audit.record import Actor

pytestmark = pytest.mark.usefixtures("xfce")


@pytest.mark.parametrize("moment", ["before", "desktop_clone", "desktop_verify", "after"])
def test_a_build_whose_run_is_killed_is_built_all_the_same(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    moment: str,
) -> None:
    public_id = launch(services, alice)
    worker = make_worker(InterruptedProvisioner(node, 3, moment))
    for _ in range(3):
        assert worker.builder.build_one()
        assert row(services, public_id).state == State.BUILDING
        assert not worker.builder.build_one()  # it is delayed first
        clock.step(seconds=50)
    assert worker.builder.build_one()
    desktop = row(services, public_id)
    assert (desktop.state, desktop.attempts, desktop.failure) == (State.READY, 0, None)


def test_runs_that_are_killed_for_ever_end_the_build_and_no_template_rests(
    services: Services,
    alice: Actor,
    bob: Actor,
    root: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    worker = make_worker(InterruptedProvisioner(node, 1000))
    failed = [launch(services, person) for person in (alice, bob, root)]
    for _ in range(40):
        while worker.builder.build_one():
            pass
        clock.step(seconds=10)
    for public_id in failed:
        desktop = row(services, public_id)
        assert (desktop.state, desktop.failure_reason) == (State.STOPPING, INTERRUPTED)
    while worker.teardown.teardown_one():
        pass
    launch(services, bob)  # it does not rest


def test_an_assignment_whose_run_is_killed_is_repeated(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    public_id = build_for_pool(services, FakeProvisioner(node), make_worker)
    assert services.launcher.launch(alice, ANNA) == public_id
    worker = make_worker(InterruptedProvisioner(node, 2))
    for _ in range(2):
        assert worker.assigner.assign_one()
        assert row(services, public_id).state == State.ASSIGNING
        assert not worker.assigner.assign_one()
        clock.step(seconds=5)
    assert worker.assigner.assign_one()
    assert row(services, public_id).state == State.READY
