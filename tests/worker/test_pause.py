"""Pausing and resuming: a desktop is shut down and kept, and no failure loses it."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.fakes import (
    BoastfulPauser,
    DownHypervisor,
    FailingPauser,
    FailingResumer,
    FakeNode,
    FakeProvisioner,
    Killed,
    SlowPauser,
)
from tests.portal import SteppingClock, publish_template
from tests.refusals import refuses
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, reservations, row
from webapp.bootstrap import Services
from webapp.domain.desktops.estimate import BUILD_STEPS, RESUME_STEPS
from webapp.domain.desktops.pauses import NO_ROOM, NOT_RESUMED, TRIES
from webapp.domain.errors import NotFound, OutsideFailed, Refused
from webapp.domain.provisioning.clone_queue import UNREACHABLE
from webapp.domain.states import EndReason, State
from webapp.models import AuditEntry, Node, Template
from webapp.ports import Container
from webapp.services.audit.record import Actor
from webapp.services.connections.event_feed import EventFeed, Proof, Subscription
from webapp.services.desktops.launch import LaunchRequest
from webapp.texts.sentences import what_to_do

DAY = 24 * 60


@pytest.fixture
def provisioner(node: FakeNode) -> FakeProvisioner:
    return FakeProvisioner(node)


@pytest.fixture
def ready(
    services: Services, alice: Actor, make_worker: MakeWorker, provisioner: FakeProvisioner
) -> str:
    """Alice's desktop of 30 minutes, of a template whose paused desktops are kept for a day."""
    publish_template(services, max_pause_minutes=DAY)
    public_id = launch(services, alice)
    assert make_worker(provisioner).builder.build_one()
    return public_id


@pytest.fixture
def paused(services: Services, alice: Actor, ready: str, make_worker: MakeWorker) -> str:
    services.pauses.pause(alice, ready)
    assert make_worker().pauser.pause_one()
    assert row(services, ready).state == State.PAUSED
    return ready


def acts(services: Services, public_id: str) -> list[str]:
    with services.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == public_id))
        return [entry.action for entry in entries]


def test_it_is_shut_down_and_keeps_all_that_is_its_own(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    before = row(services, ready)
    until = services.pauses.pause(alice, ready)
    assert until == services.clock.now() + timedelta(minutes=DAY)
    assert row(services, ready).state == State.PAUSING
    assert make_worker().pauser.pause_one()
    after = row(services, ready)
    assert (after.state, after.paused_until) == (State.PAUSED, until)
    assert (after.vmid, after.address, after.password_locked) == (
        before.vmid,
        before.address,
        before.password_locked,
    )
    assert reservations(services) == 2
    assert not node.there[30001].is_running
    assert acts(services, ready)[-2:] == ["desktop.pause", "desktop.paused"]
    assert not make_worker().pauser.pause_one()


def test_it_has_as_much_time_left_as_before_and_the_desktop_is_told(
    services: Services,
    alice: Actor,
    ready: str,
    make_worker: MakeWorker,
    provisioner: FakeProvisioner,
    clock: SteppingClock,
) -> None:
    clock.step(minutes=10)
    services.pauses.pause(alice, ready)
    clock.step(seconds=5)
    make_worker().pauser.pause_one()
    clock.step(hours=5)
    services.pauses.resume(alice, ready)
    clock.step(seconds=4)
    assert make_worker(provisioner).resumer.resume_one()
    desktop = row(services, ready)
    assert (desktop.state, desktop.resumed_at) == (State.READY, clock.now())
    left = clock.now() + timedelta(minutes=20)
    assert desktop.deadline_at == desktop.deadline_told_at == left
    (order,) = provisioner.resumed
    assert (order.deadline_at, order.vmid) == (left, 30001)
    assert (order.ssh_host_key_sha256, order.rdp_certificate_sha256) == ("SHA256:host", "cert")
    assert (desktop.paused_at, desktop.paused_until) == (None, None)
    assert services.credentials.reveal(alice, ready).password


def test_its_time_does_not_run_out_while_it_is_paused(
    services: Services, alice: Actor, paused: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    clock.step(hours=23)
    assert not services.lifetime.expire_some()
    assert not services.pauses.expire_some()
    services.pauses.resume(alice, paused)
    make_worker().resumer.resume_one()
    clock.step(minutes=29)
    assert not services.lifetime.expire_some()
    clock.step(minutes=1)
    assert services.lifetime.expire_some()


def test_the_longest_time_counts_without_the_pauses(
    services: Services, alice: Actor, paused: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    clock.step(hours=10)
    services.pauses.resume(alice, paused)
    make_worker().resumer.resume_one()
    deadline = services.lifetime.extend(alice, paused, 240)
    assert deadline == clock.now() + timedelta(minutes=240)


def test_one_that_was_paused_for_too_long_ends_as_expired(
    services: Services, alice: Actor, paused: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    clock.step(minutes=DAY)
    with refuses(Refused, match="longer than it is kept"):
        services.pauses.resume(alice, paused)
    assert services.pauses.expire_some()
    desktop = row(services, paused)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.EXPIRED)
    assert not services.pauses.expire_some()
    assert make_worker().teardown.teardown_one()
    assert (row(services, paused).state, reservations(services)) == (State.ENDED, 0)


def test_what_was_promised_is_kept_when_the_template_changes(
    services: Services, alice: Actor, root: Actor, paused: str, clock: SteppingClock
) -> None:
    services.catalogue.change(root, "xfce", {"max_pause_minutes": 0})
    clock.step(minutes=DAY - 1)
    assert not services.pauses.expire_some()
    services.pauses.resume(alice, paused)


def test_it_counts_against_the_limit_and_is_what_a_second_launch_uses(
    services: Services, alice: Actor, root: Actor, paused: str
) -> None:
    services.catalogue.change(root, "xfce", {"max_per_person": 1})
    with refuses(Refused, match="You have 1 of 1"):
        services.launcher.launch(alice, LaunchRequest(template="xfce"))
    assert services.launcher.launch(alice, LaunchRequest(template="xfce", reuse=True)) == paused
    assert row(services, paused).state == State.RESUMING


def test_a_paused_one_can_make_room(services: Services, alice: Actor, paused: str) -> None:
    with services.db.begin() as session:
        session.execute(update(Template).values(max_per_person=1))
    new = services.launcher.launch(alice, LaunchRequest(make_room="close_oldest"))
    assert (row(services, paused).state, row(services, new).state) == (
        State.STOPPING,
        State.QUEUED,
    )


def test_only_its_owner_and_an_admin_may(
    services: Services, bob: Actor, root: Actor, ready: str, make_worker: MakeWorker
) -> None:
    with pytest.raises(NotFound):
        services.pauses.pause(bob, ready)
    services.pauses.pause(root, ready)
    make_worker().pauser.pause_one()
    with pytest.raises(NotFound):
        services.pauses.resume(bob, ready)
    services.pauses.resume(root, ready)


def test_asking_twice_changes_nothing(services: Services, alice: Actor, ready: str) -> None:
    until = services.pauses.pause(alice, ready)
    services.clock.step(minutes=5)  # type: ignore[attr-defined]  # the tests' own clock
    assert services.pauses.pause(alice, ready) == until
    services.pauses.resume(alice, ready)
    services.pauses.resume(alice, ready)
    assert acts(services, ready).count("desktop.resume") == 1


def test_what_cannot_be_paused_is_said(
    services: Services, alice: Actor, root: Actor, ready: str
) -> None:
    services.pauses.resume(alice, ready)
    assert row(services, ready).state == State.READY
    second = services.launcher.launch(alice, LaunchRequest())
    with refuses(Refused, match="is queued, so it cannot be resumed"):
        services.pauses.resume(alice, second)
    with refuses(Refused, match="is queued, so it cannot be paused"):
        services.pauses.pause(alice, second)
    services.catalogue.change(root, "xfce", {"max_pause_minutes": 0})
    with refuses(Refused, match="cannot be paused"):
        services.pauses.pause(alice, ready)
    assert row(services, ready).state == State.READY


def test_nobody_opens_a_paused_one(services: Services, alice: Actor, paused: str) -> None:
    for ask in (services.credentials.reveal, services.credentials.target):
        with refuses(Refused, match="is paused") as refused:
            ask(alice, paused)
        assert refused.value.reason == "paused"
        assert "Resume it first" in what_to_do(refused.value)


# -- what breaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_pause_that_breaks_is_tried_again(
    services: Services,
    alice: Actor,
    ready: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    moment: str,
) -> None:
    services.pauses.pause(alice, ready)
    trouble = OutsideFailed("The node is busy.", retry=True, log="line 1")
    worker = make_worker(FailingPauser(node, moment, trouble))
    worker.pauser.pause_one()
    desktop = row(services, ready)
    if moment == "after":  # the node's answer decides: it is down
        assert (desktop.state, desktop.failure) == (State.PAUSED, None)
        return
    assert (desktop.state, desktop.failure) == (
        State.PAUSING,
        "It could not be paused yet: The node is busy.",
    )
    assert not worker.pauser.pause_one()
    clock.step(minutes=1)
    assert worker.pauser.pause_one()
    assert (row(services, ready).state, row(services, ready).failure) == (State.PAUSED, None)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_another_worker_goes_on_with_a_pause_where_one_died(
    services: Services,
    alice: Actor,
    ready: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    moment: str,
) -> None:
    services.pauses.pause(alice, ready)
    with pytest.raises(Killed):
        make_worker(FailingPauser(node, moment, Killed())).pauser.pause_one()
    assert not make_worker().pauser.pause_one()  # the dead worker's lease has not expired
    clock.step(minutes=2)
    assert make_worker().pauser.pause_one()
    assert row(services, ready).state == State.PAUSED


@pytest.mark.parametrize("step", RESUME_STEPS)
def test_another_worker_goes_on_with_a_resume_where_one_died(
    services: Services,
    alice: Actor,
    paused: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    step: str,
) -> None:
    services.pauses.resume(alice, paused)
    with pytest.raises(Killed):
        make_worker(FailingResumer(node, step, Killed())).resumer.resume_one()
    clock.step(minutes=2)
    assert make_worker().resumer.resume_one()
    desktop = row(services, paused)
    assert desktop.state == State.READY
    assert desktop.deadline_at == clock.now() + timedelta(minutes=30)


def test_a_resume_that_does_not_work_ends_paused_again_with_all_files(
    services: Services,
    alice: Actor,
    paused: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    services.pauses.resume(alice, paused)
    trouble = OutsideFailed("Nothing answers on RDP.", retry=True)
    worker = make_worker(FailingResumer(node, "desktop_resume", trouble, times=TRIES))
    for _ in range(TRIES):
        assert worker.resumer.resume_one()
        clock.step(minutes=1)
    desktop = row(services, paused)
    assert (desktop.state, desktop.failure_reason) == (State.PAUSING, NOT_RESUMED)
    assert worker.pauser.pause_one()
    desktop = row(services, paused)
    assert desktop.state == State.PAUSED
    assert desktop.failure == "It could not be resumed: Nothing answers on RDP."
    assert not node.there[30001].is_running
    services.pauses.resume(alice, paused)
    assert worker.resumer.resume_one()
    assert (row(services, paused).state, row(services, paused).failure) == (State.READY, None)


def test_a_node_that_does_not_answer_is_waited_for(
    services: Services,
    alice: Actor,
    paused: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    services.pauses.resume(alice, paused)
    trouble = OutsideFailed("No answer.", retry=True, reason=UNREACHABLE)
    worker = make_worker(FailingResumer(node, "desktop_start", trouble, times=10))
    for _ in range(10):
        assert worker.resumer.resume_one()
        clock.step(minutes=1)
    assert row(services, paused).state == State.RESUMING
    assert worker.resumer.resume_one()
    assert row(services, paused).state == State.READY


@pytest.mark.parametrize("is_resume", [False, True])
def test_what_only_boasts_is_not_believed(
    services: Services,
    alice: Actor,
    ready: str,
    make_worker: MakeWorker,
    node: FakeNode,
    is_resume: bool,
) -> None:
    services.pauses.pause(alice, ready)
    if is_resume:
        make_worker().pauser.pause_one()
        services.pauses.resume(alice, ready)
        make_worker(BoastfulPauser(node)).resumer.resume_one()
        assert "went down after its start" in (row(services, ready).failure or "")
        assert row(services, ready).state == State.RESUMING
    else:
        make_worker(BoastfulPauser(node)).pauser.pause_one()
        assert "still runs" in (row(services, ready).failure or "")
        assert row(services, ready).state == State.PAUSING


@pytest.mark.parametrize("is_resume", [False, True])
def test_one_whose_container_is_gone_ends_as_lost(
    services: Services,
    alice: Actor,
    ready: str,
    make_worker: MakeWorker,
    node: FakeNode,
    is_resume: bool,
) -> None:
    gone = OutsideFailed("container 30001 is not there", retry=True)
    services.pauses.pause(alice, ready)
    if is_resume:
        make_worker().pauser.pause_one()
        services.pauses.resume(alice, ready)
    del node.there[30001]
    worker = make_worker(GoneProvisioner(node, gone))
    assert worker.resumer.resume_one() or worker.pauser.pause_one()
    desktop = row(services, ready)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.LOST)
    assert desktop.failure == "The desktop's container was removed outside Winux."


class GoneProvisioner(FakeProvisioner):
    """Finds no container, and reports it as the playbooks do."""

    def __init__(self, node: FakeNode, trouble: OutsideFailed) -> None:
        super().__init__(node)
        self.trouble = trouble

    def at_pause(self, moment: str, is_cancelled: object) -> None:
        raise self.trouble

    def resume(self, *_order: object, **_options: object) -> None:
        raise self.trouble


def test_while_nobody_can_know_nothing_is_written(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    services.pauses.pause(alice, ready)
    silent = DownHypervisor()
    silent.there = node.there
    make_worker(hypervisor=silent).pauser.pause_one()
    desktop = row(services, ready)
    assert (desktop.state, desktop.worked_by) == (State.PAUSING, None)
    assert "cannot be reached" in (desktop.failure or "")


@pytest.mark.parametrize("is_resume", [False, True])
def test_stopping_it_meanwhile_breaks_the_run_off(
    services: Services,
    alice: Actor,
    ready: str,
    make_worker: MakeWorker,
    node: FakeNode,
    is_resume: bool,
) -> None:
    services.pauses.pause(alice, ready)
    worker = make_worker(SlowPauser(node))
    step = worker.pauser.pause_one
    if is_resume:
        make_worker().pauser.pause_one()
        services.pauses.resume(alice, ready)
        step = worker.resumer.resume_one
    thread = threading.Thread(target=step)
    thread.start()
    assert worker.provisioner.is_hanging.wait(5)  # type: ignore[attr-defined]  # as made above
    services.lifetime.stop(alice, ready)
    thread.join(5)
    assert not thread.is_alive()
    desktop = row(services, ready)
    assert (desktop.state, desktop.end_reason, desktop.worked_by) == (
        State.STOPPING,
        EndReason.ASKED,
        None,
    )


def test_who_changes_their_mind_gets_it_back(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    services.pauses.pause(alice, ready)
    slow = SlowPauser(node)
    thread = threading.Thread(target=make_worker(slow).pauser.pause_one)
    thread.start()
    assert slow.is_hanging.wait(5)
    services.pauses.resume(alice, ready)
    thread.join(5)
    assert make_worker().resumer.resume_one()
    assert row(services, ready).state == State.READY


def test_a_worker_that_ends_leaves_it_to_the_next_one(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    services.pauses.pause(alice, ready)
    slow = SlowPauser(node)
    make_worker(slow).pauser.pause_one(slow.is_hanging.is_set)
    assert (row(services, ready).state, row(services, ready).worked_by) == (State.PAUSING, None)
    assert make_worker().pauser.pause_one()


# -- memory ---------------------------------------------------------------------------------------


def see_node(services: Services, free_mb: int) -> None:
    with services.db.begin() as session:
        session.merge(
            Node(name="lab", is_enabled=True, seen_at=services.clock.now(), is_online=True)
        ).free_mb = free_mb


def test_without_memory_it_waits_until_there_is_some(
    services: Services,
    alice: Actor,
    paused: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    see_node(services, 512)
    services.pauses.resume(alice, paused)
    assert make_worker().resumer.resume_one()
    desktop = row(services, paused)
    assert (desktop.state, desktop.failure_reason) == (State.RESUMING, NO_ROOM)
    assert not node.there[30001].is_running
    clock.step(seconds=5)
    see_node(services, 64_000)
    assert make_worker().resumer.resume_one()
    assert row(services, paused).state == State.READY


# -- differences ----------------------------------------------------------------------------------


def test_a_paused_one_that_is_down_is_as_it_should_be(
    services: Services, paused: str, make_worker: MakeWorker
) -> None:
    assert make_worker().reconciler.reconcile() == []
    assert row(services, paused).state == State.PAUSED


def test_one_that_somebody_started_is_resumed_and_shown(
    services: Services, paused: str, make_worker: MakeWorker, node: FakeNode, clock: SteppingClock
) -> None:
    node.change(30001, is_running=True)
    clock.step(hours=1)
    (found,) = make_worker().reconciler.reconcile()
    assert (found.kind, found.outcome) == ("started", "The desktop is resumed.")
    assert row(services, paused).state == State.RESUMING
    assert make_worker().resumer.resume_one()
    desktop = row(services, paused)
    assert desktop.state == State.READY
    assert desktop.deadline_at == clock.now() + timedelta(minutes=30)


def test_one_that_may_be_paused_and_was_shut_down_is_paused(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    node.change(30001, is_running=False)
    (found,) = make_worker().reconciler.reconcile()
    assert (found.kind, found.outcome) == ("shut_down", "The desktop is paused.")
    assert row(services, ready).state == State.PAUSED
    services.pauses.resume(alice, ready)
    assert make_worker().resumer.resume_one()
    assert row(services, ready).state == State.READY


def test_a_paused_one_whose_container_is_gone_is_lost(
    services: Services, paused: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    node.put(30002, None)  # an empty list would not be trusted
    del node.there[30001]
    make_worker().reconciler.reconcile()
    desktop = row(services, paused)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.LOST)


class MeanwhileNode(FakeNode):
    """Returns outdated information: something happens while it answers."""

    def __init__(self, node: FakeNode, happens: Callable[[], object]) -> None:
        super().__init__()
        self.there = node.there
        self.happens: Callable[[], object] | None = happens

    def container(self, vmid: int) -> Container | None:
        seen = super().container(vmid)
        happens, self.happens = self.happens, None
        if happens:
            happens()
        return seen


def test_what_was_seen_before_a_pause_and_its_end_changes_nothing(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    def pause_and_resume() -> None:
        services.clock.step(seconds=5)  # type: ignore[attr-defined]  # the tests' own clock
        services.pauses.pause(alice, ready)
        assert make_worker().pauser.pause_one()
        services.pauses.resume(alice, ready)
        assert make_worker().resumer.resume_one()

    node.change(30001, is_running=False)
    late = MeanwhileNode(node, pause_and_resume)
    make_worker(hypervisor=late).reconciler.reconcile()
    assert row(services, ready).state == State.READY
    assert "desktop.found_shut_down" not in acts(services, ready)


# -- events of the API ---------------------------------------------------------------------------


def test_listeners_hear_of_its_steps_and_then_of_the_build_s_again(
    services: Services, alice: Actor, ready: str, make_worker: MakeWorker
) -> None:
    key = services.keys.make(alice, "listener", ["read"]).key
    wish = Subscription(Proof(alice.person_id or 0, key_id=key.id), ready)
    feed = EventFeed(services.db, services.clock, services.config)

    def steps() -> list[str]:
        (sight,) = feed.look([wish], is_first=True).of(wish)
        return [step.name for step in sight.steps]

    built = steps()
    assert built == list(BUILD_STEPS)
    services.clock.step(minutes=1)  # type: ignore[attr-defined]  # the tests' own clock
    services.pauses.pause(alice, ready)
    assert steps() == []
    make_worker().pauser.pause_one()
    services.pauses.resume(alice, ready)
    assert steps() == []
    assert make_worker().resumer.resume_one()
    assert steps() == built
