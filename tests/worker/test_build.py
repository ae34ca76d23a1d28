"""Building: success, every failure, and no leftovers of failed builds."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes import (
    MOMENTS_OF_A_BUILD,
    STEPS,
    BoastfulProvisioner,
    DownHypervisor,
    DyingProvisioner,
    FailingProvisioner,
    FakeNode,
    FakeProvisioner,
    Killed,
    LyingHypervisor,
    SlowProvisioner,
)
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, reservations, row
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.domain.upkeep.drift import Kind
from webapp.models import DesktopStep
from webapp.ports import BuildOrder
from webapp.services.audit.record import Actor


def test_a_queued_desktop_becomes_ready(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    assert make_worker().builder.build_one()
    desktop = row(services, public_id)
    assert desktop.state == State.READY
    assert desktop.deadline_at == services.clock.now() + timedelta(minutes=30)
    assert (desktop.node, desktop.ssh_host_key_sha256) == ("lab", "SHA256:host")
    assert desktop.worked_by is None
    assert node.there[30001].is_running


def test_nothing_to_do_is_said(services: Services, make_worker: MakeWorker) -> None:
    assert not make_worker().builder.build_one()


def test_the_order_carries_what_the_person_and_the_template_want(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    provisioner = FakeProvisioner(node)
    make_worker(provisioner).builder.build_one()
    order = provisioner.orders[0]
    assert order.rdp_password == services.credentials.reveal(alice, public_id).password
    assert (order.address, order.router, order.template_vmid) == (
        "10.203.0.64/24",
        "10.203.0.1",
        29001,
    )
    assert (order.memory_mb, order.cores, order.disk_gb, order.nesting) == (1024, 2, 10, False)


def test_each_step_is_written_with_its_times(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker
) -> None:
    launch(services, alice)
    make_worker().builder.build_one()
    with services.db.read() as session:
        steps = session.scalars(select(DesktopStep).order_by(DesktopStep.id)).all()
    assert [step.name for step in steps] == STEPS
    assert all(step.finished_at for step in steps)


def test_the_desktop_that_waits_longest_is_built_first(
    services: Services,
    alice: Actor,
    bob: Actor,
    xfce: str,
    make_worker: MakeWorker,
    clock: SteppingClock,
) -> None:
    first = launch(services, alice)
    clock.step(seconds=1)
    second = launch(services, bob)
    make_worker().builder.build_one()
    assert row(services, first).state == State.READY
    assert row(services, second).state == State.QUEUED


@pytest.mark.parametrize("moment", MOMENTS_OF_A_BUILD)
def test_a_build_that_fails_says_why_and_leaves_nothing(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    node: FakeNode,
    moment: str,
) -> None:
    public_id = launch(services, alice)
    worker = make_worker(FailingProvisioner(node, moment))
    assert worker.builder.build_one()
    assert row(services, public_id).state == State.STOPPING
    assert worker.teardown.teardown_one()
    desktop = row(services, public_id)
    assert (desktop.state, desktop.end_reason) == (State.ENDED, EndReason.FAILED)
    assert desktop.failure == "The storage is full."
    assert desktop.failure_log == "line 1\nline 2"
    assert (node.there, reservations(services)) == ({}, 0)


@pytest.mark.parametrize("moment", MOMENTS_OF_A_BUILD)
def test_a_worker_that_dies_in_a_build_is_followed_by_one_that_finishes_it(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    moment: str,
) -> None:
    public_id = launch(services, alice)
    with pytest.raises(Killed):
        make_worker(DyingProvisioner(node, moment)).builder.build_one()
    assert row(services, public_id).state == State.BUILDING
    other = make_worker()
    assert not other.builder.build_one()  # the dead worker's lease has not expired
    clock.step(seconds=61)
    assert other.builder.build_one()
    assert row(services, public_id).state == State.READY
    assert list(node.there) == [30001]
    with services.db.read() as session:
        assert [step.name for step in session.scalars(select(DesktopStep))] == STEPS


@pytest.mark.parametrize("moment", MOMENTS_OF_A_BUILD)
def test_a_desktop_stopped_after_its_worker_died_is_torn_down(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    moment: str,
) -> None:
    public_id = launch(services, alice)
    with pytest.raises(Killed):
        make_worker(DyingProvisioner(node, moment)).builder.build_one()
    services.lifetime.stop(alice, public_id)
    clock.step(seconds=61)
    assert make_worker().teardown.teardown_one()
    assert row(services, public_id).state == State.ENDED
    assert (node.there, reservations(services)) == ({}, 0)


def test_a_build_that_was_interrupted_for_too_long_fails(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    public_id = launch(services, alice)
    with pytest.raises(Killed):
        make_worker(DyingProvisioner(node, "desktop_start")).builder.build_one()
    clock.step(seconds=301)
    worker = make_worker()
    assert worker.builder.build_one()
    assert worker.teardown.teardown_one()
    desktop = row(services, public_id)
    assert desktop.end_reason == EndReason.FAILED
    assert "interrupted" in (desktop.failure or "")
    assert node.there == {}


def test_success_is_believed_only_when_the_node_shows_it(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    make_worker(BoastfulProvisioner(node)).builder.build_one()
    desktop = row(services, public_id)
    assert desktop.state == State.STOPPING
    assert "removed outside" in (desktop.failure or "")


def test_a_vm_id_that_something_foreign_holds_is_left_alone_and_the_next_one_taken(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    node.put(30001, None)
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    desktop = row(services, public_id)
    assert (desktop.state, desktop.vmid) == (State.READY, 30002)
    assert node.there[30001].name == "foreign-30001"
    assert reservations(services) == 2


def test_another_portals_container_is_foreign(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    node.put(30001, Mark("another", "desktop-00000000"))
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    assert row(services, public_id).vmid == 30002


def test_many_desktops_made_by_hand_in_the_range_fail_no_launch(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    """An operator's loop made them after the nodes were last compared."""
    by_hand = range(30001, 30021)
    for vmid in by_hand:
        node.put(vmid, Mark("manual", f"desktop-000{vmid}"))
    public_id = launch(services, alice)
    assert row(services, public_id).vmid == 30001
    provisioner = FakeProvisioner(node)
    worker = make_worker(provisioner)
    worker.builder.build_one()
    desktop = row(services, public_id)
    assert (desktop.state, desktop.vmid) == (State.READY, 30021)
    assert [order.vmid for order in provisioner.orders] == [30001, 30021]
    worker.reconciler.reconcile()
    assert {vmid for vmid in by_hand if vmid in node.there} == set(by_hand)
    assert {one.kind for one in services.findings.now_open()} == {Kind.FOREIGN}


def test_a_build_whose_vm_ids_are_all_taken_waits_and_is_no_failure_of_the_template(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    clock: SteppingClock,
) -> None:
    blind = LyingHypervisor()
    for vmid in range(30001, 30005):
        blind.put(vmid, None)
    public_id = launch(services, alice)
    worker = make_worker(FakeProvisioner(blind), hypervisor=blind)
    worker.builder.build_one()
    waiting = row(services, public_id)
    assert (waiting.state, waiting.failure_reason) == (State.BUILDING, "vmid_taken")
    assert len(blind.there) == 4
    for vmid in range(30001, 30005):
        del blind.there[vmid]
    clock.step(minutes=1)
    worker.builder.build_one()
    assert row(services, public_id).state == State.READY


def test_launches_without_a_vm_id_do_not_stop_the_template(
    services: Services,
    clock: SteppingClock,
    alice: Actor,
    bob: Actor,
    root: Actor,
    xfce: str,
    node: FakeNode,
) -> None:
    for vmid in (30001, 30002, 30003):
        node.put(vmid, None)
    launched = [launch(services, who) for who in (alice, bob, root)]
    small = replace(services, config=replace(services.config, vmid_first=30001, vmid_last=30001))
    worker = bootstrap_worker.build_worker_services(
        small, "worker", provisioner=FakeProvisioner(node), hypervisor=node
    )
    clock.step(seconds=10)  # later than the template's publication
    for _ in launched:
        worker.builder.build_one()
        worker.teardown.teardown_one()
    assert {row(services, one).failure_reason for one in launched} == {"no_vmid"}
    assert all(gate.rest is None for gate in services.capacity.gates().values())


def test_when_no_other_vm_id_is_left_the_build_says_so(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    node.put(30001, None)
    public_id = launch(services, alice)
    small = replace(services, config=replace(services.config, vmid_last=30001))
    worker = bootstrap_worker.build_worker_services(
        small, "worker", provisioner=FakeProvisioner(node), hypervisor=node
    )
    worker.builder.build_one()
    failed = row(services, public_id)
    assert "All 1 VM ids (30001–30001) are in use." in (failed.failure or "")
    assert failed.failure_reason == "no_vmid"
    worker.teardown.teardown_one()
    assert reservations(services) == 0


def test_a_node_that_does_not_answer_after_a_build_fails_it(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
) -> None:
    public_id = launch(services, alice)
    down = DownHypervisor()
    worker = make_worker(FakeProvisioner(down), down)
    worker.builder.look_again = (0.0,)
    worker.builder.build_one()
    assert "cannot be reached" in (row(services, public_id).failure or "")
    worker.teardown.teardown_one()
    assert row(services, public_id).state == State.STOPPING  # unknown is not gone
    assert reservations(services) == 2


def test_what_the_node_says_beside_the_last_step_counts_only_if_it_is_good(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker
) -> None:
    node = DownHypervisor()

    class LateNode(FakeProvisioner):
        def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
            node.is_down = moment != "after"

    public_id = launch(services, alice)
    make_worker(LateNode(node), node).builder.build_one()
    assert row(services, public_id).state == State.READY


def test_stopping_a_build_cancels_it_and_tears_it_down(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    provisioner = SlowProvisioner(node)
    worker = make_worker(provisioner)
    building = threading.Thread(target=worker.builder.build_one)
    building.start()
    assert provisioner.is_hanging.wait(5)
    services.lifetime.stop(alice, public_id)
    building.join(5)
    assert not building.is_alive()
    assert worker.teardown.teardown_one()
    desktop = row(services, public_id)
    assert (desktop.state, desktop.end_reason) == (State.ENDED, EndReason.ASKED)
    assert desktop.failure is None
    assert (node.there, reservations(services)) == ({}, 0)


def test_a_stop_in_the_last_moment_of_a_build_wins(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)

    class StoppedProvisioner(FakeProvisioner):
        def at(self, moment: str, *_: object) -> None:
            if moment == "after":
                services.lifetime.stop(alice, public_id)

    worker = make_worker(StoppedProvisioner(node))
    worker.builder.build_one()
    assert row(services, public_id).state == State.STOPPING
    worker.teardown.teardown_one()
    assert node.there == {}


def test_a_worker_that_ends_leaves_its_build_to_the_next_one(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    make_worker(SlowProvisioner(node)).builder.build_one(lambda: True)
    assert row(services, public_id).state == State.BUILDING
    assert make_worker().builder.build_one()  # at once, without waiting for a lease
    assert row(services, public_id).state == State.READY


def test_two_workers_never_build_one_desktop(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    launch(services, alice)
    provisioner = FakeProvisioner(node)
    workers = [make_worker(provisioner) for _ in range(6)]
    threads = [threading.Thread(target=worker.builder.build_one) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(provisioner.orders) == 1


def test_a_worker_that_slept_through_its_lease_gives_way(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    public_id = launch(services, alice)
    slow = SlowProvisioner(node)
    sleeping = threading.Thread(target=make_worker(slow).builder.build_one)
    sleeping.start()
    assert slow.is_hanging.wait(5)
    clock.step(seconds=61)
    assert make_worker().builder.build_one()  # another worker took over and finished
    sleeping.join(5)
    assert not sleeping.is_alive()
    assert row(services, public_id).state == State.READY
    assert row(services, public_id).worked_by is None


def test_a_wrong_encryption_key_is_a_clear_failure(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker
) -> None:
    public_id = launch(services, alice)
    with services.db.begin() as session:
        desktop = row(services, public_id)
        desktop.password_locked = b"of another key"
        session.add(desktop)
    make_worker().builder.build_one()
    assert "WINUX_ENCRYPTION_KEY" in (row(services, public_id).failure or "")
