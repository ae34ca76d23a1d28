"""Reconciling: lost desktops are reported, leaks removed, and unknown ones left alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.fakes import (
    DownHypervisor,
    FakeNode,
    FakeProvisioner,
    HonestProvisioner,
    LyingHypervisor,
)
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, reservations, row
from webapp.bootstrap import Services
from webapp.domain.errors import OutsideFailed
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.domain.upkeep.drift import Kind
from webapp.models import AddressReservation, Desktop, VmidReservation, Watch
from webapp.ports import Listing
from webapp.services.audit.record import Actor

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
    reconciler.reconcile()  # it stays empty: each container is checked, and found running
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
        def containers(self, vmids: range) -> Listing:
            listed = super().containers(vmids)
            del listed[30001]
            return listed

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
    make_worker().reconciler.reconcile()
    node.put(30007, STRANGER)
    make_worker().reconciler.reconcile()
    clock.step(seconds=119)
    make_worker().reconciler.reconcile()
    assert 30007 in node.there
    clock.step(seconds=1)
    make_worker().reconciler.reconcile()  # a new process each time, as `worker --once` from cron
    assert list(node.there) == [30001]
    assert found(services) == []
    [over] = services.findings.latest_over()
    assert (over.kind, over.outcome) == (Kind.ORPHAN, "The container was destroyed.")


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
    assert 30007 in node.there  # its quarantine begins again


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
    node.put(30001, Mark("tests", ready))  # as if an abandoned clone had finished
    worker.reconciler.reconcile()
    clock.step(seconds=121)
    worker.reconciler.reconcile()
    assert node.there == {}


def test_a_leak_that_cannot_be_destroyed_stays_in_quarantine_and_says_why(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    class RefusingProvisioner(FakeProvisioner):
        def destroy(self, *_: object, **__: object) -> None:
            raise OutsideFailed("CT is locked (disk)", retry=True)

    reconciler = make_worker(RefusingProvisioner(node)).reconciler
    reconciler.reconcile()
    node.put(30007, STRANGER)
    reconciler.reconcile()
    clock.step(seconds=121)
    with pytest.raises(OutsideFailed):
        reconciler.reconcile()
    [row_] = services.findings.now_open()
    assert (row_.vmid, row_.outcome) == (30007, "CT is locked (disk)")
    with services.db.read() as session:
        assert session.scalars(select(Desktop.state)).all() == [State.READY]


# -- changed by hand ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"name": "my-machine"}, Kind.RENAMED),
        ({"limit_mb": 4096}, Kind.RESIZED),
        ({"cores": 1}, Kind.RESIZED),
        ({"address": "10.203.0.7/24"}, Kind.READDRESSED),
        ({"description": "notes of an admin"}, Kind.UNMARKED),
    ],
)
def test_what_was_changed_by_hand_is_told_until_it_is_set_back(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
    change: dict[str, object],
    kind: Kind,
) -> None:
    as_built = node.there[30001]
    node.change(30001, **change)
    for _ in range(3):
        make_worker().reconciler.reconcile()
        clock.step(minutes=1)
    assert found(services) == [(kind, 30001)]
    assert row(services, ready).state == State.READY
    node.there[30001] = as_built
    make_worker().reconciler.reconcile()
    assert found(services) == []


def test_a_container_without_its_mark_is_not_removed_and_keeps_its_address(
    services: Services, alice: Actor, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    node.change(30001, description="")
    services.lifetime.stop(alice, ready)
    worker = make_worker(HonestProvisioner(node))
    worker.teardown.teardown_one()
    worker.reconciler.reconcile()
    desktop = row(services, ready)
    assert (desktop.state, 30001 in node.there) == (State.STOPPING, True)
    assert found(services) == [(Kind.UNMARKED, 30001)]
    assert reservations(services) == 2


def test_a_desktop_whose_vm_id_became_anothers_ends_without_touching_that(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    node.put(30001, Mark("another", "desktop-0badcafe"))
    worker = make_worker(HonestProvisioner(node))
    worker.reconciler.reconcile()
    worker.teardown.teardown_one()
    assert row(services, ready).state == State.ENDED
    assert (30001 in node.there, reservations(services)) == (True, 0)


def test_a_desktop_that_was_moved_to_another_node_is_followed(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    node.change(30001, node="pve2")
    make_worker().reconciler.reconcile()
    desktop = row(services, ready)
    assert (desktop.state, desktop.node) == (State.READY, "pve2")
    assert [over.kind for over in services.findings.latest_over()] == [Kind.MOVED]


def test_what_a_warm_desktop_loses_is_noticed_too(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    with services.db.begin() as session:  # as the pool assigns it
        session.execute(update(Desktop).values(state=State.WARM, owner_id=None))
    del node.there[30001]
    node.put(30009, None)  # otherwise the list is empty, which is not trusted
    make_worker().reconciler.reconcile()
    desktop = row(services, ready)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.LOST)


def test_a_reservation_without_a_desktop_is_freed(
    services: Services, alice: Actor, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    services.lifetime.stop(alice, ready)
    make_worker().teardown.teardown_one()
    desktop_id = row(services, ready).id
    with services.db.begin() as session:
        session.add(VmidReservation(vmid=30001, desktop_id=desktop_id))
        session.add(AddressReservation(address="10.203.0.64", desktop_id=desktop_id))
    make_worker().reconciler.reconcile()
    assert reservations(services) == 0
    assert [over.kind for over in services.findings.latest_over()] == [Kind.RESERVED]


def test_a_foreign_container_is_shown_and_its_vm_id_and_address_are_not_given_away(
    services: Services, alice: Actor, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    node.put(30002, None, address="10.203.0.65/24")
    worker = make_worker()
    worker.reconciler.reconcile()
    assert found(services) == [(Kind.FOREIGN, 30002)]
    public_id = launch(services, alice)
    desktop = row(services, public_id)
    assert (desktop.vmid, desktop.address) == (30003, "10.203.0.66")


# -- a node that does not answer ------------------------------------------------------------------


class PartialHypervisor(FakeNode):
    """A cluster with one node that does not answer, and that node's containers."""

    silent = "pve2"

    def containers(self, vmids: range) -> Listing:
        listed = [one for one in super().containers(vmids).values() if one.node != self.silent]
        return Listing(listed, answered={"lab"}, silent={self.silent} if self.silent else ())


def test_what_is_on_a_silent_node_is_unknown_and_left_as_it_is(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    cluster = PartialHypervisor()
    cluster.there = node.there
    make_worker().reconciler.reconcile()
    node.change(30001, node="pve2")
    node.put(30007, STRANGER, node="pve2")
    for _ in range(3):
        make_worker(hypervisor=cluster).reconciler.reconcile()
        clock.step(minutes=2)
    assert row(services, ready).state == State.READY
    assert [one.kind for one in services.findings.now_open()] == [Kind.SILENT]


def test_a_node_that_vanished_from_the_list_is_a_silent_one(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    with services.db.begin() as session:
        session.execute(update(Desktop).values(node="pve9"))
    node.put(30009, None)
    del node.there[30001]
    make_worker().reconciler.reconcile()
    assert row(services, ready).state == State.READY
    assert (Kind.SILENT, None) in found(services)


def test_an_orphan_out_of_sight_does_not_leave_its_quarantine(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    cluster = PartialHypervisor()
    cluster.there, cluster.silent = node.there, ""
    reconciler = make_worker(hypervisor=cluster).reconciler
    reconciler.reconcile()
    node.put(30007, STRANGER, node="lab")
    reconciler.reconcile()
    cluster.silent = "lab2"
    lost_sight = node.there.pop(30007)
    clock.step(seconds=60)
    reconciler.reconcile()
    node.there[30007], cluster.silent = lost_sight, ""
    clock.step(seconds=61)
    reconciler.reconcile()
    assert 30007 not in node.there


# -- an old database ------------------------------------------------------------------------------


def test_a_container_from_before_the_watch_outlives_any_desktop_it_may_be(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    node.put(30007, STRANGER)
    for _ in range(24):
        make_worker().reconciler.reconcile()  # without a gap from now on
        clock.step(hours=1)
        with services.db.begin() as session:
            session.execute(update(Watch).values(looked_at=clock.now()))
            session.execute(update(Desktop).values(deadline_at=clock.now()))
        assert 30007 in node.there
    assert found(services) == [(Kind.FORGOTTEN, 30007)]
    make_worker().reconciler.reconcile()
    assert 30007 not in node.there


def test_a_database_that_knows_nothing_destroys_nothing(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    for vmid in range(30010, 30016):
        node.put(vmid, Mark("tests", f"desktop-{vmid:08x}"))
    for _ in range(3):
        make_worker().reconciler.reconcile()
        clock.step(days=10)
    assert len(node.there) == 7
    assert "may be old or the wrong one" in (services.findings.now_open()[0].outcome or "")


def test_what_a_restored_database_takes_for_unused_or_overdue_is_left_alone(
    services: Services,
    bob: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
) -> None:
    warm = launch(services, bob)
    make_worker().builder.build_one()
    with services.db.begin() as session:
        is_warm = update(Desktop).where(Desktop.public_id == warm)
        session.execute(is_warm.values(state=State.WARM, owner_id=None))
    clock.step(hours=2)  # the desktops continued: one was extended, one claimed, one launched
    node.put(30007, STRANGER, address="10.203.0.66/24")
    worker = make_worker()
    worker.reconciler.reconcile()
    services.lifetime.expire_some()
    assert not worker.teardown.teardown_one()
    assert row(services, ready).state == State.READY
    assert row(services, warm).state == State.STOPPING  # no person gets it, and it is kept for now
    assert sorted(node.there) == [30001, 30002, 30007]
    assert row(services, launch(services, bob)).address == "10.203.0.67"
    clock.step(minutes=16)
    assert services.lifetime.expire_some(), "a notice of a quarter of an hour, not for ever"


def test_a_database_replaced_under_a_running_worker_is_noticed(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    reconciler = make_worker().reconciler
    reconciler.reconcile()
    clock.step(seconds=60)
    reconciler.reconcile()
    with services.db.begin() as session:  # as in a copy from one minute ago
        session.execute(update(Watch).values(looked_at=clock.now() - timedelta(seconds=60)))
    node.put(30007, STRANGER)
    reconciler.reconcile()
    assert found(services) == [(Kind.FORGOTTEN, 30007)]


# -- requested by a person ------------------------------------------------------------------------


def test_a_rehearsal_tells_all_and_changes_nothing(
    services: Services, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock, ready: str
) -> None:
    worker = make_worker()
    worker.reconciler.reconcile()
    node.put(30007, STRANGER)
    node.change(30001, node="pve2", limit_mb=4096)
    rows = worker.reconciler.rehearse()
    assert sorted((one.kind, one.vmid) for one in rows) == [
        (Kind.MOVED, 30001),
        (Kind.ORPHAN, 30007),
        (Kind.RESIZED, 30001),
    ]
    assert found(services) == []
    assert row(services, ready).node == "lab"


def found(services: Services) -> list[tuple[Kind, int | None]]:
    return [(one.kind, one.vmid) for one in services.findings.now_open()]
