"""Teardown: nothing is released before the removal is certain, and it is retried without limit."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import DownHypervisor, FakeNode, FakeProvisioner, Killed, StubbornProvisioner
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, queue_for_pool, reservations, row
from webapp.bootstrap import Services
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.services.audit.record import Actor


@pytest.fixture
def stopping(services: Services, alice: Actor, xfce: str, make_worker: MakeWorker) -> str:
    """A desktop that ran and is to be stopped."""
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    services.lifetime.stop(alice, public_id)
    return public_id


def test_a_stopped_desktop_is_gone_with_all_it_held(
    services: Services, make_worker: MakeWorker, node: FakeNode, stopping: str
) -> None:
    assert make_worker().teardown.teardown_one()
    desktop = row(services, stopping)
    assert (desktop.state, desktop.end_reason) == (State.ENDED, EndReason.ASKED)
    assert desktop.password_locked is None
    assert desktop.ended_at
    assert desktop.address == "10.203.0.64"  # history
    assert (node.there, reservations(services)) == ({}, 0)


def test_what_is_free_again_is_used_again_as_late_as_possible(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    """A router may still send packets for an address to the machine that had it."""
    worker, had = make_worker(), []
    for _ in range(3):
        desktop = row(services, launch(services, alice))
        had.append((desktop.vmid, desktop.address))
        services.lifetime.stop(alice, desktop.public_id)
        assert worker.teardown.teardown_one()
        clock.step(seconds=1)
    assert had == [(30001 + n, f"10.203.0.{64 + n}") for n in range(3)]


def test_a_desktop_that_was_never_begun_ends_without_a_playbook(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    services.lifetime.stop(alice, public_id)
    provisioner = FakeProvisioner(node)
    make_worker(provisioner).teardown.teardown_one()
    assert row(services, public_id).state == State.ENDED
    assert provisioner.destroyed == []


@pytest.mark.parametrize("is_honest", [True, False])
def test_a_teardown_that_fails_keeps_everything_reserved_and_is_tried_again(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    stopping: str,
    is_honest: bool,
) -> None:
    worker = make_worker(StubbornProvisioner(node, 2, is_honest=is_honest))
    for wait in (2, 4):
        assert worker.teardown.teardown_one()
        desktop = row(services, stopping)
        assert desktop.state == State.STOPPING
        assert "could not be removed yet" in (desktop.failure or "")
        assert desktop.retry_at == clock.now() + timedelta(seconds=wait)
        assert reservations(services) == 2
        assert not worker.teardown.teardown_one()  # not before its time
        clock.step(seconds=wait)
    assert worker.teardown.teardown_one()
    assert row(services, stopping).state == State.ENDED
    assert reservations(services) == 0


def test_the_pauses_grow_to_five_minutes_and_the_tries_never_end(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    stopping: str,
) -> None:
    worker = make_worker(StubbornProvisioner(node, 60, is_honest=True))
    for _ in range(60):
        assert worker.teardown.teardown_one()
        clock.step(minutes=5)
    assert worker.teardown.teardown_one()
    assert row(services, stopping).state == State.ENDED


def test_unknown_is_not_gone(
    services: Services, make_worker: MakeWorker, node: FakeNode, stopping: str
) -> None:
    down = DownHypervisor()
    make_worker(FakeProvisioner(node), down).teardown.teardown_one()
    assert row(services, stopping).state == State.STOPPING
    assert reservations(services) == 2


def test_a_foreign_container_at_the_vm_id_is_not_waited_for(
    services: Services, make_worker: MakeWorker, node: FakeNode, stopping: str
) -> None:
    node.put(30001, Mark("another", "desktop-00000000"))
    make_worker().teardown.teardown_one()
    assert row(services, stopping).state == State.ENDED
    assert 30001 in node.there


@pytest.mark.parametrize("is_done", [False, True])
def test_a_worker_that_dies_in_a_teardown_is_followed_by_one_that_finishes_it(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    stopping: str,
    is_done: bool,
) -> None:
    class DyingDestroyer(FakeProvisioner):
        def destroy(self, desktop_id: str, vmid: int, **_: object) -> None:
            if is_done:
                super().destroy(desktop_id, vmid)
            raise Killed

    with pytest.raises(Killed):
        make_worker(DyingDestroyer(node)).teardown.teardown_one()
    other = make_worker()
    assert not other.teardown.teardown_one()
    clock.step(seconds=61)
    assert other.teardown.teardown_one()
    assert row(services, stopping).state == State.ENDED
    assert (node.there, reservations(services)) == ({}, 0)


def test_the_only_vm_id_and_address_can_be_used_again(
    services: Services, root: Actor, xfce: str, make_worker: MakeWorker
) -> None:
    config = services.config
    addresses = replace(config.addresses, last=config.addresses.first)
    narrow = replace(config, vmid_last=config.vmid_first, addresses=addresses)
    for _ in range(2):
        public_id = queue_for_pool(replace(services, config=narrow))
        services.lifetime.stop(root, public_id)
        assert make_worker().teardown.teardown_one()
        ended = row(services, public_id)
        assert (ended.vmid, ended.address) == (30001, "10.203.0.64")


def test_a_teardown_cut_short_by_the_workers_end_is_no_failure(
    services: Services, make_worker: MakeWorker, node: FakeNode, stopping: str
) -> None:
    make_worker(StubbornProvisioner(node, 1, is_honest=True)).teardown.teardown_one(lambda: True)
    desktop = row(services, stopping)
    assert (desktop.attempts, desktop.failure, desktop.worked_by) == (0, None, None)
