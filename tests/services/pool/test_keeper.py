"""Pools are kept at their size: what is queued, what is drained, and when nothing happens."""

from collections import Counter
from datetime import date, time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.fakes import FailingProvisioner, FakeNode, FakeProvisioner
from tests.portal import SteppingClock, make_environment, publish_template
from tests.worker.life import launch, reservations, row
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.config import Config, load
from webapp.domain.states import EndReason, State
from webapp.models import AuditEntry, Desktop, Node, PoolSchedule, Template
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_WORKER_SLOTS="3", WINUX_TIME_ZONE="Europe/Paris"))


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def worker(services: Services, node: FakeNode) -> WorkerServices:
    return make_worker(services, node)


def make_worker(
    services: Services, node: FakeNode, provisioner: FakeProvisioner | None = None
) -> WorkerServices:
    return bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=provisioner or FakeProvisioner(node), hypervisor=node
    )


def set_pool(services: Services, name: str = "xfce", **numbers: object) -> None:
    with services.db.begin() as session:
        template = session.scalars(select(Template).where(Template.name == name)).one()
        for key, value in numbers.items():
            setattr(template, f"pool_{key}", value)


def settle(worker: WorkerServices, rounds: int = 30) -> None:
    """Do all work that is due, repeatedly, until a round has nothing to do."""
    for _ in range(rounds):
        worker.pools.keep()
        turns = 0
        while worker.builder.build_one() or worker.builder.build_for_pool_one():
            turns += 1
        while worker.teardown.teardown_one():
            turns += 1
        if not turns:
            return


def states(services: Services) -> dict[str, int]:
    """Return the number of the pool's desktops in each state, without ended ones."""
    with services.db.read() as session:
        found = session.scalars(
            select(Desktop.state).where(Desktop.owner_id.is_(None), Desktop.state != State.ENDED)
        )
        return dict(Counter(str(state) for state in found))


def warm(services: Services) -> list[Desktop]:
    with services.db.read() as session:
        return list(session.scalars(select(Desktop).where(Desktop.state == State.WARM)))


def reasons(services: Services) -> Counter[str]:
    with services.db.read() as session:
        return Counter(
            session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "pool.drain"))
        )


def test_a_pool_fills_and_then_nothing_happens(
    services: Services, worker: WorkerServices, xfce: str, node: FakeNode
) -> None:
    set_pool(services, target=3, max=5)
    settle(worker)
    assert states(services) == {"warm": 3}
    assert len(node.there) == 3
    before = len(worker.provisioner.orders)  # type: ignore[attr-defined]  # the fake's
    settle(worker)
    assert len(worker.provisioner.orders) == before  # type: ignore[attr-defined]  # the fake's


def test_without_a_pool_nothing_is_built(
    services: Services, worker: WorkerServices, xfce: str
) -> None:
    settle(worker)
    assert states(services) == {}


def test_only_as_many_are_queued_as_are_soon_built(
    services: Services, worker: WorkerServices, xfce: str
) -> None:
    """Three slots, one of them for people: two builds run at once, and two wait."""
    set_pool(services, target=20, max=20)
    worker.pools.keep()
    worker.pools.keep()
    assert states(services) == {"queued": 4}


def test_two_workers_do_not_make_the_pool_larger_than_it_should_be(
    services: Services, worker: WorkerServices, node: FakeNode, xfce: str
) -> None:
    set_pool(services, target=2, max=2)
    other = make_worker(services, node)
    worker.pools.keep()
    other.pools.keep()
    assert states(services) == {"queued": 2}


def test_every_pool_desktop_has_a_password_of_its_own_that_nobody_saw(
    services: Services, worker: WorkerServices, xfce: str
) -> None:
    set_pool(services, target=3, max=3)
    settle(worker)
    passwords = {services.vault.unlock(one.password_locked or b"") for one in warm(services)}
    assert len(passwords) == 3
    with services.db.read() as session:
        seen = session.scalar(
            select(func.count()).where(AuditEntry.action == "desktop.reveal_password")
        )
    assert seen == 0


def test_a_new_version_drains_the_old_desktops_and_builds_new_ones(
    services: Services, worker: WorkerServices, xfce: str, clock: SteppingClock, node: FakeNode
) -> None:
    set_pool(services, target=2, max=2)
    worker.heartbeat.look_at_proxmox()  # the worker sees the old version on the node
    settle(worker)
    old = {one.public_id for one in warm(services)}
    clock.step(minutes=1)
    services.catalogue.publish(SYSTEM, "xfce", 29002, "2", {})
    settle(worker)
    assert {one.template_version for one in warm(services)} == {"2"}
    assert len(warm(services)) == 2
    assert {row(services, one).state for one in old} == {State.ENDED}
    assert {row(services, one).end_reason for one in old} == {EndReason.POLICY}
    assert reasons(services) == {"made of an older version of the template": 2}
    assert len(node.there) == 2
    assert reservations(services) == 4


def test_what_has_another_size_than_the_template_goes_too(
    services: Services, worker: WorkerServices, xfce: str, clock: SteppingClock
) -> None:
    set_pool(services, target=1, max=1)
    settle(worker)
    old = warm(services)[0].public_id
    clock.step(minutes=1)
    services.catalogue.change(SYSTEM, "xfce", {"title": "Xfce"})
    settle(worker)
    assert [one.public_id for one in warm(services)] == [old]
    services.catalogue.change(SYSTEM, "xfce", {"memory_mb": 2048})
    settle(worker)
    assert old not in {one.public_id for one in warm(services)}
    assert worker.provisioner.orders[-1].memory_mb == 2048  # type: ignore[attr-defined]  # the fake's


def test_what_is_too_old_is_replaced_before_it_goes(
    services: Services, worker: WorkerServices, xfce: str, clock: SteppingClock
) -> None:
    set_pool(services, target=1, max=1, max_age_minutes=60)
    settle(worker)
    old = warm(services)[0].public_id
    clock.step(minutes=61)
    worker.pools.keep()
    assert states(services) == {"warm": 1, "queued": 1}
    assert worker.builder.build_for_pool_one()
    assert states(services) == {"warm": 2}
    settle(worker)
    assert [one.public_id for one in warm(services)] != [old]
    assert states(services) == {"warm": 1}
    assert reasons(services) == {"too old": 1}


def test_a_smaller_pool_gives_up_its_oldest(
    services: Services, worker: WorkerServices, xfce: str, clock: SteppingClock
) -> None:
    set_pool(services, target=1, max=3)
    settle(worker)
    oldest = warm(services)[0].public_id
    clock.step(minutes=5)
    set_pool(services, target=2)
    settle(worker)
    set_pool(services, target=1)
    settle(worker)
    assert states(services) == {"warm": 1}
    assert warm(services)[0].public_id != oldest
    assert reasons(services) == {"the pool is smaller now": 1}


def test_a_template_that_is_not_offered_keeps_none(
    services: Services, worker: WorkerServices, xfce: str, node: FakeNode
) -> None:
    set_pool(services, target=2, max=2)
    settle(worker)
    services.catalogue.change(SYSTEM, "xfce", {"is_enabled": False})
    settle(worker)
    assert (states(services), node.there, reservations(services)) == ({}, {}, 0)


def test_demand_makes_the_pool_larger_and_quiet_makes_it_smaller(
    services: Services,
    worker: WorkerServices,
    xfce: str,
    alice: Actor,
    clock: SteppingClock,
) -> None:
    set_pool(services, min=1, target=1, max=3, follows_demand=True)
    settle(worker)
    assert states(services) == {"warm": 1}
    for _ in range(2):
        launch(services, alice)
        clock.step(minutes=1)
    settle(worker)
    assert states(services) == {"warm": 2}
    clock.step(hours=1)
    settle(worker)
    assert states(services) == {"warm": 1}


def test_a_schedule_is_warm_when_people_come_and_gone_afterwards(
    services: Services, worker: WorkerServices, xfce: str, clock: SteppingClock
) -> None:
    """It is 9:00 UTC, 10:00 in Paris; warming for 11:00 to 12:00 there begins earlier."""
    set_pool(services, max=10)
    with services.db.begin() as session:
        template = session.scalars(select(Template)).one()
        session.add(
            PoolSchedule(
                template=template,
                desktops=6,
                on_date=date(2026, 3, 2),
                begins=time(11),
                ends=time(12),
                created_at=clock.now(),
            )
        )
    clock.step(minutes=54)
    settle(worker)
    assert states(services) == {}
    clock.step(minutes=1)  # six builds of one minute, two at a time, plus a quarter and two minutes
    settle(worker)
    assert states(services) == {"warm": 6}
    clock.step(minutes=64)
    settle(worker)
    assert states(services) == {"warm": 6}
    clock.step(minutes=1)
    settle(worker)
    assert states(services) == {}


def test_failing_builds_are_tried_less_and_less_often(
    services: Services, xfce: str, clock: SteppingClock, node: FakeNode
) -> None:
    set_pool(services, target=3, max=3)
    failing = FailingProvisioner(node, "desktop_start")
    worker = make_worker(services, node, failing)
    settle(worker)
    first = len(failing.orders)
    assert first <= 4  # builds that were queued when the first one failed
    for _ in range(60):
        clock.step(minutes=1)
        settle(worker, rounds=2)
    assert len(failing.orders) - first <= 9
    assert (node.there, reservations(services)) == ({}, 0)
    failing.moment = ""
    clock.step(minutes=15)
    settle(worker)
    assert states(services) == {"warm": 3}


def test_a_new_version_is_tried_at_once_whatever_failed_before(
    services: Services, xfce: str, clock: SteppingClock, node: FakeNode
) -> None:
    set_pool(services, target=1, max=1)
    failing = FailingProvisioner(node, "desktop_start")
    worker = make_worker(services, node, failing)
    settle(worker)
    failing.moment = ""
    settle(worker)
    assert states(services) == {}
    clock.step(seconds=1)
    services.catalogue.publish(SYSTEM, "xfce", 29002, "2", {})
    settle(worker)
    assert states(services) == {"warm": 1}


def test_a_template_that_takes_no_launches_is_not_built_for_the_pool_either(
    services: Services,
    xfce: str,
    alice: Actor,
    bob: Actor,
    root: Actor,
    clock: SteppingClock,
    node: FakeNode,
) -> None:
    failing = FailingProvisioner(node, "desktop_start")
    worker = make_worker(services, node, failing)
    clock.step(minutes=1)
    for person in (alice, bob, root):
        launch(services, person)
        settle(worker, rounds=1)
    set_pool(services, target=3, max=3)
    clock.step(minutes=4)
    settle(worker)
    assert len(failing.orders) == 3, "it rests for five minutes"
    failing.moment = ""
    clock.step(minutes=2)
    worker.pools.keep()
    assert states(services) == {"queued": 1}, "one is tried first"
    settle(worker)
    assert states(services) == {"warm": 3}


class TestFullSite:
    """Ten desktops in total, one of which is always left for people."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> Config:
        return load(
            make_environment(tmp_path, WINUX_MAX_DESKTOPS_TOTAL="10", WINUX_MAX_DESKTOPS="10")
        )

    def test_the_pools_leave_room_for_people(
        self, services: Services, worker: WorkerServices, xfce: str, alice: Actor
    ) -> None:
        publish_template(services, "mate")
        set_pool(services, "xfce", min=1, target=8, max=8)
        set_pool(services, "mate", min=2, target=4, max=4)
        settle(worker)
        assert sum(states(services).values()) == 9
        for _ in range(6):  # each launch succeeds although the pools had filled the site
            launch(services, alice)
            settle(worker)
        left = Counter(one.template.name for one in warm(services))
        assert left == {"xfce": 1, "mate": 2}

    def test_what_is_too_old_is_replaced_although_there_is_no_room_to_spare(
        self, services: Services, worker: WorkerServices, xfce: str, clock: SteppingClock
    ) -> None:
        set_pool(services, target=10, max=10, max_age_minutes=60)
        settle(worker)
        assert states(services) == {"warm": 9}
        clock.step(minutes=61)
        settle(worker)
        now = clock.now()
        assert [one.warmed_at for one in warm(services)] == [now] * 9

    def test_a_full_site_does_not_spin(
        self, services: Services, worker: WorkerServices, xfce: str, alice: Actor, bob: Actor
    ) -> None:
        set_pool(services, target=2, max=2)
        for person in (*[alice] * 9, bob):
            services.launcher.launch(person, LaunchRequest())
        settle(worker)
        with services.db.read() as session:
            made = session.scalar(select(func.count()).where(Desktop.owner_id.is_(None)))
        assert made == 0


def see_memory(services: Services, desktops: int) -> None:
    """The worker has seen that this many more fit on the node."""
    with services.db.begin() as session:
        node = session.get(Node, "lab") or Node(name="lab", is_online=True)
        node.seen_at = services.clock.now()
        node.free_mb = services.config.node_reserve_mb + desktops * 1024
        session.add(node)


def test_a_pool_takes_no_more_memory_than_there_is(
    services: Services, worker: WorkerServices, xfce: str
) -> None:
    set_pool(services, target=8, max=8)
    see_memory(services, 4)
    settle(worker)
    assert states(services) == {"warm": 3}, "room for one more is kept for people"


def test_a_pool_gives_its_memory_up_to_people_who_wait_for_it(
    services: Services, worker: WorkerServices, xfce: str, alice: Actor, clock: SteppingClock
) -> None:
    publish_template(services, "mate")
    set_pool(services, target=4, max=4)
    see_memory(services, 9)
    settle(worker)
    clock.step(minutes=3)
    see_memory(services, 0)
    clock.step(seconds=1)
    settle(worker)
    assert states(services) == {"warm": 4}
    theirs = services.launcher.launch(alice, LaunchRequest(template="mate"))
    settle(worker, rounds=3)
    assert row(services, theirs).state == State.QUEUED
    assert states(services) == {"warm": 2}
    see_memory(services, 2)
    settle(worker, rounds=3)
    assert row(services, theirs).state == State.READY
    assert states(services) == {"warm": 2}
