"""Pool builds: desktops without an owner, which never delay a person's desktop."""

import threading
from collections.abc import Callable
from datetime import timedelta

from tests.fakes import FakeNode, FakeProvisioner, SlowProvisioner
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, queue_for_pool, row
from webapp.bootstrap import Services
from webapp.domain.states import State
from webapp.ports import BuildOrder
from webapp.services.audit.record import SYSTEM, Actor


def test_a_pool_desktop_becomes_warm_and_has_neither_owner_nor_deadline(
    services: Services, xfce: str, make_worker: MakeWorker, clock: SteppingClock, node: FakeNode
) -> None:
    public_id = queue_for_pool(services)
    provisioner = FakeProvisioner(node)
    assert make_worker(provisioner).builder.build_for_pool_one()
    desktop = row(services, public_id)
    assert desktop.state == State.WARM
    assert desktop.warmed_at == clock.now()
    assert (desktop.owner, desktop.ready_at, desktop.deadline_at) == (None, None, None)
    assert desktop.template_version == "1"
    assert node.there[desktop.vmid or 0].is_running
    # a desktop without an owner gets no warning of its end
    assert provisioner.orders[0].deadline_at > clock.now() + timedelta(days=7)


def test_a_persons_step_leaves_pool_builds_alone(
    services: Services, xfce: str, make_worker: MakeWorker
) -> None:
    queue_for_pool(services)
    assert not make_worker().builder.build_one()


def test_no_pool_build_begins_while_somebody_waits(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    pooled = queue_for_pool(services)
    clock.step(minutes=5)
    theirs = launch(services, alice)
    builder = make_worker().builder
    assert not builder.build_for_pool_one()
    assert builder.build_one()
    assert row(services, theirs).state == State.READY
    assert builder.build_for_pool_one()
    assert row(services, pooled).state == State.WARM


def test_nobody_is_told_to_queue_behind_the_pool(
    services: Services, alice: Actor, xfce: str
) -> None:
    for _ in range(3):
        queue_for_pool(services)
    theirs = services.reports.desktop(alice, launch(services, alice))
    waiting = services.queue_positions.of(theirs)
    assert waiting is not None
    assert waiting.place == 1


def test_a_launch_that_waits_for_another_try_does_not_hold_up_the_pool(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    queue_for_pool(services)
    theirs = launch(services, alice)
    with services.db.begin() as session:
        desktop = row(services, theirs)
        desktop.retry_at = clock.now() + timedelta(minutes=1)
        session.add(desktop)
    assert make_worker().builder.build_for_pool_one()


def test_a_pool_build_gives_way_to_somebody_who_waits_and_is_finished_later(
    services: Services,
    alice: Actor,
    xfce: str,
    make_worker: MakeWorker,
    clock: SteppingClock,
    node: FakeNode,
) -> None:
    pooled = queue_for_pool(services)
    slow = SlowProvisioner(node)
    builder = make_worker(slow).builder
    build = threading.Thread(target=builder.build_for_pool_one)
    build.start()
    assert slow.is_hanging.wait(10)
    theirs = launch(services, alice)
    clock.step(seconds=2)
    build.join(10)
    assert not build.is_alive(), "the pool build went on although somebody waits"
    assert (row(services, pooled).state, row(services, pooled).worked_by) == (State.BUILDING, None)
    slow.go_on.set()
    assert builder.build_one()
    assert row(services, theirs).state == State.READY
    clock.step(minutes=30)  # interruptions by people's launches do not count as a hanging build
    assert builder.build_for_pool_one() is True


def test_a_pool_build_that_gave_way_for_long_still_becomes_warm(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    node = FakeNode()
    pooled = queue_for_pool(services)
    slow = SlowProvisioner(node)
    builder = make_worker(slow, node).builder
    for _ in range(3):
        slow.is_hanging.clear()
        build = threading.Thread(target=builder.build_for_pool_one)
        build.start()
        assert slow.is_hanging.wait(10)
        launch(services, alice)
        clock.step(minutes=4)  # three times the maximum time of a build
        build.join(10)
        slow.go_on.set()
        assert builder.build_one()
        slow.go_on.clear()
    slow.go_on.set()
    assert builder.build_for_pool_one()
    assert row(services, pooled).state == State.WARM


def test_a_version_published_during_a_build_is_not_the_one_it_was_made_of(
    services: Services, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    class PublishingProvisioner(FakeProvisioner):
        def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
            if moment == "after":
                services.catalogue.publish(SYSTEM, "xfce", 29002, "2", {})

    public_id = queue_for_pool(services)
    provisioner = PublishingProvisioner(node)
    assert make_worker(provisioner).builder.build_for_pool_one()
    assert provisioner.orders[0].template_vmid == 29001
    assert row(services, public_id).template_version == "1"
