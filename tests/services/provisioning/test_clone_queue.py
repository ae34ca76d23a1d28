"""The order of clones: one per source, a limit per storage, and slots that end with a lease."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.portal import SteppingClock, publish_template
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.domain.states import Event, State, advance
from webapp.models import CloneSlot, Desktop, Node
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.provisioning.clone_queue import CloneQueue, Turn, free_slot
from webapp.services.provisioning.lease import Leases

MakeQueue = Callable[[], CloneQueue]


@pytest.fixture
def make_queue(services: Services) -> MakeQueue:
    """The queue of another worker on the same database."""
    names = iter(f"worker-{number}" for number in range(1, 100))

    def make() -> CloneQueue:
        config = services.config
        leases = Leases(services.db, services.clock, next(names), config.lease)
        return CloneQueue(services.db, services.clock, config, leases)

    return make


def take(services: Services, queue: CloneQueue) -> Turn | None:
    def begin(_session: Session, desktop: Desktop) -> None:
        if desktop.state == State.QUEUED:
            advance(desktop, Event.BUILD_STARTED, services.clock.now())
            desktop.build_started_at = services.clock.now()

    return queue.take(Desktop.owner_id.is_not(None), begin)


def slots(services: Services) -> list[int]:
    with services.db.read() as session:
        return sorted(session.scalars(select(CloneSlot.source_vmid)))


def see(services: Services, name: str, **facts: object) -> None:
    values: dict[str, object] = {"is_online": True, "seen_at": services.clock.now(), **facts}
    with services.db.begin() as session:
        session.merge(Node(name=name, **values))


def test_the_second_clone_of_a_source_waits_for_the_first(
    services: Services, alice: Actor, xfce: str, make_queue: MakeQueue
) -> None:
    first, second = launch(services, alice), launch(services, alice)
    turn = take(services, make_queue())
    assert turn
    assert turn.lease.desktop.public_id == first
    assert take(services, make_queue()) is None
    with services.db.begin() as session:
        free_slot(session, turn.lease)
    after = take(services, make_queue())
    assert after
    assert after.lease.desktop.public_id == second


def test_one_whose_source_is_busy_holds_up_nobody_behind_it(
    services: Services, alice: Actor, bob: Actor, xfce: str, make_queue: MakeQueue
) -> None:
    publish_template(services, "mate", vmid=29010)
    for _ in range(3):
        services.launcher.launch(alice, LaunchRequest(template="xfce"))
    other = services.launcher.launch(bob, LaunchRequest(template="mate"))
    queue = make_queue()
    taken = [take(services, queue), take(services, queue)]
    got = {turn.lease.desktop.public_id for turn in taken if turn}
    assert other in got
    assert slots(services) == [29001, 29010]


def test_replicas_are_cloned_side_by_side_up_to_the_storages_limit(
    services: Services, alice: Actor, xfce: str, make_queue: MakeQueue
) -> None:
    """Three nodes that share one storage, on which two clones may run."""
    for number, name in enumerate("abc", 1):
        services.catalogue.publish(SYSTEM, "xfce", 29000 + number, "1", {}, name)
        see(services, name, storage_is_shared=True)
    for _ in range(3):
        launch(services, alice)
    queue = make_queue()
    turns = [take(services, queue) for _ in range(3)]
    assert [turn is not None for turn in turns] == [True, True, False]
    assert len({turn.source.node for turn in turns if turn and turn.source}) == 2


def test_storages_of_their_own_have_limits_of_their_own(
    services: Services, alice: Actor, xfce: str, make_queue: MakeQueue
) -> None:
    for number, name in enumerate("abc", 1):
        services.catalogue.publish(SYSTEM, "xfce", 29000 + number, "1", {}, name)
        see(services, name)
    for _ in range(3):
        launch(services, alice)
    queue = make_queue()
    nodes = {turn.source.node for _ in range(3) if (turn := take(services, queue)) and turn.source}
    assert nodes == {"a", "b", "c"}


def test_a_killed_workers_slot_is_free_when_its_lease_is_over(
    services: Services, alice: Actor, xfce: str, make_queue: MakeQueue, clock: SteppingClock
) -> None:
    first = launch(services, alice)
    launch(services, alice)
    assert take(services, make_queue())  # and the worker never reports again
    clock.step(seconds=30)
    assert take(services, make_queue()) is None
    clock.step(seconds=31)
    again = take(services, make_queue())
    assert again
    assert again.lease.desktop.public_id == first
    assert slots(services) == [29001]


def test_of_many_workers_at_once_one_gets_the_source(
    services: Services, alice: Actor, xfce: str, make_queue: MakeQueue
) -> None:
    for _ in range(3):
        launch(services, alice)
    turns: list[Turn | None] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        queue = make_queue()
        barrier.wait()
        turns.append(take(services, queue))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([turn for turn in turns if turn]) == 1
    assert slots(services) == [29001]


def test_a_drained_node_gets_nothing_new(
    services: Services, root: Actor, alice: Actor, xfce: str, make_queue: MakeQueue
) -> None:
    for number, name in enumerate("ab", 1):
        services.catalogue.publish(SYSTEM, "xfce", 29000 + number, "1", {}, name)
        see(services, name, free_mb=9000 - number)
    services.capacity.set_enabled(root, "a", False)
    launch(services, alice)
    turn = take(services, make_queue())
    assert turn
    assert turn.source
    assert turn.source.node == "b"


def test_one_that_waited_too_long_is_given_out_to_be_ended(
    services: Services, alice: Actor, xfce: str, make_queue: MakeQueue, clock: SteppingClock
) -> None:
    """Its node stays down; the build must not wait forever."""
    see(services, "lab")
    public_id = launch(services, alice)
    assert take(services, make_queue())
    clock.step(seconds=61)
    see(services, "lab", is_online=False, trouble="It is offline.")
    assert take(services, make_queue()) is None
    clock.step(seconds=300)
    see(services, "lab", is_online=False, trouble="It is offline.")
    turn = take(services, make_queue())
    assert turn
    assert (turn.source, turn.lease.desktop.public_id) == (None, public_id)


def test_the_place_in_the_queue_and_the_time_are_told(
    services: Services, alice: Actor, bob: Actor, xfce: str, clock: SteppingClock
) -> None:
    launch(services, alice)
    clock.step(seconds=1)
    second = launch(services, bob)
    waiting = services.queue_positions.of(row(services, second))
    assert waiting
    assert (waiting.place, waiting.ready_in) == (2, None)
    measured(services, clone=2, whole=8)
    worker_runs(services)
    waiting = services.queue_positions.of(row(services, second))
    assert waiting
    assert waiting.ready_in == timedelta(seconds=10)


def measured(services: Services, clone: float, whole: float) -> None:
    """One earlier build of the template took this many seconds."""
    from webapp.models import DesktopStep, Template

    began = services.clock.now() - timedelta(hours=1)
    with services.db.begin() as session:
        desktop = Desktop(
            public_id="desktop-measured",
            template=session.scalars(select(Template)).one(),
            state=State.ENDED,
            state_at=began,
            created_at=began,
            build_started_at=began,
            ready_at=began + timedelta(seconds=whole),
            minutes=30,
            rdp_username="desktop",
            keyboard_layout="us",
        )
        session.add(desktop)
        session.flush()
        end = began + timedelta(seconds=clone)
        session.add(
            DesktopStep(
                desktop_id=desktop.id, name="desktop_clone", started_at=began, finished_at=end
            )
        )


def worker_runs(services: Services) -> None:
    from webapp.models import WorkerBeat

    with services.db.begin() as session:
        session.add(WorkerBeat(worker="worker-1", seen_at=services.clock.now()))
