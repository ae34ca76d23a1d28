"""Reconciling: what was lost is said, what leaked is removed, what is unknown is left alone."""

from collections.abc import Mapping

import pytest
from sqlalchemy import select

from tests.fakes import DownHypervisor, FakeNode, FakeProvisioner, LyingHypervisor
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.domain.errors import OutsideFailed
from webapp.domain.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.models import Desktop, QuarantinedContainer
from webapp.ports import Container
from webapp.services.audit import Actor

STRANGER = Mark("tests", "desktop-0badcafe")


@pytest.fixture
def ready(services: Services, alice: Actor, xfce: str, make_worker: MakeWorker) -> str:
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    return public_id


def test_nothing_is_done_where_both_sides_agree(
    services: Services, make_worker: MakeWorker, ready: str, node: FakeNode
) -> None:
    make_worker().reconciler.reconcile()
    assert row(services, ready).state == State.READY
    assert list(node.there) == [30001]


@pytest.mark.parametrize(
    ("change", "words"),
    [("removed", "removed outside"), ("stopped", "shut down"), ("replaced", "Another container")],
)
def test_a_desktop_whose_container_was_taken_by_hand_is_lost_and_says_so(
    services: Services,
    alice: Actor,
    bob: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    ready: str,
    change: str,
    words: str,
) -> None:
    other = launch(services, bob)
    worker = make_worker()
    worker.builder.build_one()
    if change == "removed":
        del node.there[30001]
    elif change == "stopped":
        node.change(30001, is_running=False)
    else:
        node.put(30001, None)
    worker.reconciler.reconcile()
    desktop = row(services, ready)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.LOST)
    assert words in (desktop.failure or "")
    assert row(services, other).state == State.READY
    worker.teardown.teardown_one()
    assert row(services, ready).state == State.ENDED
    assert (30001 in node.there) == (change == "replaced")  # a foreign one is never touched


def test_a_container_that_is_down_for_a_backup_is_left_alone(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    node.change(30001, is_running=False, lock="backup")
    make_worker().reconciler.reconcile()
    assert row(services, ready).state == State.READY


def test_a_node_that_does_not_answer_changes_nothing(
    services: Services, make_worker: MakeWorker, ready: str
) -> None:
    with pytest.raises(OutsideFailed):
        make_worker(hypervisor=DownHypervisor()).reconciler.reconcile()
    assert row(services, ready).state == State.READY


def test_an_empty_list_never_ends_desktops_that_run(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
) -> None:
    liar = LyingHypervisor()
    liar.there = node.there
    reconciler = make_worker(hypervisor=liar).reconciler
    with pytest.raises(OutsideFailed, match="lists none"):
        reconciler.reconcile()
    clock.step(seconds=121)
    reconciler.reconcile()  # it stays empty: each is looked at, and found alive
    assert row(services, ready).state == State.READY


def test_the_only_desktop_removed_by_hand_is_noticed_when_the_list_stays_empty(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
) -> None:
    node.there.clear()
    reconciler = make_worker().reconciler
    with pytest.raises(OutsideFailed):
        reconciler.reconcile()
    assert row(services, ready).state == State.READY
    clock.step(seconds=121)
    reconciler.reconcile()
    assert row(services, ready).end_reason == EndReason.LOST


def test_a_listing_without_one_desktop_is_checked_by_a_direct_look(
    services: Services, alice: Actor, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    class ForgetfulHypervisor(FakeNode):
        def containers(self, vmids: range) -> Mapping[int, Container]:
            return {vmid: one for vmid, one in super().containers(vmids).items() if vmid != 30001}

    launch(services, alice)
    make_worker().builder.build_one()
    forgetful = ForgetfulHypervisor()
    forgetful.there = node.there
    make_worker(hypervisor=forgetful).reconciler.reconcile()
    assert row(services, ready).state == State.READY


def test_a_desktop_in_work_is_left_alone(
    services: Services, alice: Actor, xfce: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    public_id = launch(services, alice)

    class WatchedProvisioner(FakeProvisioner):
        def at(self, moment: str, *_: object) -> None:
            make_worker().reconciler.reconcile()

    worker = make_worker(WatchedProvisioner(node))
    worker.builder.build_one()
    assert row(services, public_id).state == State.READY


def test_a_leaked_container_is_watched_first_and_destroyed_when_it_stays(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    node.put(30007, STRANGER)
    make_worker().reconciler.reconcile()
    clock.step(seconds=119)
    make_worker().reconciler.reconcile()
    assert 30007 in node.there
    clock.step(seconds=1)
    make_worker().reconciler.reconcile()  # another process each time, as `worker --once` from cron
    assert list(node.there) == [30001]
    with services.db.read() as session:
        assert session.scalars(select(QuarantinedContainer)).all() == []


def test_a_container_that_went_by_itself_leaves_the_quarantine(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    node.put(30007, STRANGER)
    reconciler = make_worker().reconciler
    reconciler.reconcile()
    del node.there[30007]
    reconciler.reconcile()
    clock.step(seconds=300)
    node.put(30007, STRANGER)
    reconciler.reconcile()
    assert 30007 in node.there  # its time begins anew


@pytest.mark.parametrize(
    "mark", [None, Mark("another", "desktop-0badcafe")], ids=["unmarked", "another portal's"]
)
def test_a_foreign_container_in_our_range_is_never_touched(
    make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str, mark: Mark | None
) -> None:
    node.put(30007, mark)
    provisioner = FakeProvisioner(node)
    reconciler = make_worker(provisioner).reconciler
    for _ in range(3):
        reconciler.reconcile()
        clock.step(minutes=10)
    assert 30007 in node.there
    assert provisioner.destroyed == []


def test_the_rest_of_an_ended_desktop_is_a_leak(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
) -> None:
    services.lifetime.stop(alice, ready)
    worker = make_worker()
    worker.teardown.teardown_one()
    node.put(30001, Mark("tests", ready))  # as if a clone that nobody waited for had finished
    worker.reconciler.reconcile()
    clock.step(seconds=121)
    worker.reconciler.reconcile()
    assert node.there == {}


def test_a_database_that_knows_nothing_destroys_nothing(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    for vmid in range(30010, 30016):
        node.put(vmid, Mark("tests", f"desktop-{vmid:08x}"))
    reconciler = make_worker().reconciler
    for _ in range(3):
        with pytest.raises(OutsideFailed, match="6 containers"):
            reconciler.reconcile()
        clock.step(minutes=10)
    assert len(node.there) == 7


def test_a_leak_that_cannot_be_destroyed_stays_in_quarantine(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    class RefusingProvisioner(FakeProvisioner):
        def destroy(self, *_: object, **__: object) -> None:
            raise OutsideFailed("CT is locked (disk)", retry=True)

    node.put(30007, STRANGER)
    reconciler = make_worker(RefusingProvisioner(node)).reconciler
    reconciler.reconcile()
    clock.step(seconds=121)
    with pytest.raises(OutsideFailed):
        reconciler.reconcile()
    with services.db.read() as session:
        assert session.get(QuarantinedContainer, 30007)
        assert session.scalars(select(Desktop.state)).all() == [State.READY]
