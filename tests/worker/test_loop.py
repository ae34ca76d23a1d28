"""The complete worker: threads, signals, faults of the database, and one round for cron."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event, select

from tests.fakes import (
    DownHypervisor,
    DyingProvisioner,
    FakeNode,
    FakeProvisioner,
    Killed,
    SlowProvisioner,
)
from tests.portal import make_environment
from tests.worker.life import launch, reservations, row, running, until
from webapp import bootstrap_worker
from webapp.adapters import schema
from webapp.adapters.system import SystemClock
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.config import Config, load
from webapp.domain.access import Internal
from webapp.domain.states import EndReason, State
from webapp.models import WorkerBeat
from webapp.ports import BuildOrder, BuildResult
from webapp.services.audit.record import Actor
from webapp.worker.loop import Worker, worker_name


@pytest.fixture
def clock() -> SystemClock:
    """Threads and leases use the real time."""
    return SystemClock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_LEASE_SECONDS="3"))


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def _services(
    services: Services, provisioner: FakeProvisioner, hypervisor: FakeNode | None = None
) -> WorkerServices:
    return bootstrap_worker.build_worker_services(
        services,
        f"worker-{id(provisioner)}",
        provisioner=provisioner,
        hypervisor=hypervisor or provisioner.node,
    )


def test_a_launch_is_picked_up_and_a_stop_ends_it(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    with running(Worker(_services(services, FakeProvisioner(node)))):
        public_id = launch(services, alice)
        until(lambda: row(services, public_id).state == State.READY)
        services.lifetime.stop(alice, public_id)
        until(lambda: row(services, public_id).state == State.ENDED)
    assert (node.there, reservations(services)) == ({}, 0)


def test_a_desktop_whose_time_is_up_disappears(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    with running(Worker(_services(services, FakeProvisioner(node)))):
        public_id = launch(services, alice)
        until(lambda: row(services, public_id).state == State.READY)
        with services.db.begin() as session:
            desktop = row(services, public_id)
            desktop.deadline_at = desktop.deadline_told_at = services.clock.now()
            session.add(desktop)
        until(lambda: row(services, public_id).state == State.ENDED)
    assert row(services, public_id).end_reason == EndReason.EXPIRED
    assert node.there == {}


def test_two_workers_share_the_work_and_do_nothing_twice(
    services: Services, alice: Actor, bob: Actor, root: Actor, xfce: str, node: FakeNode
) -> None:
    provisioners = [FakeProvisioner(node), FakeProvisioner(node)]
    workers = [Worker(_services(services, provisioner)) for provisioner in provisioners]
    wanted = [launch(services, person) for person in (alice, bob, root) for _ in range(3)]
    with running(*workers):
        until(lambda: all(row(services, one).state == State.READY for one in wanted))
        for one in wanted:
            services.lifetime.stop(Actor(None, role=Internal.COMMAND_LINE), one)
        until(lambda: all(row(services, one).state == State.ENDED for one in wanted))
    built = [order.desktop_id for each in provisioners for order in each.orders]
    assert sorted(built) == sorted(wanted)
    assert len([vmid for each in provisioners for vmid in each.destroyed]) == len(wanted)
    assert (node.there, reservations(services)) == ({}, 0)


def test_on_sigterm_running_work_is_cancelled_and_left_to_the_next_worker(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    slow = SlowProvisioner(node)
    worker = Worker(_services(services, slow), grace_seconds=0.2)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    worker.stop_on_signals()
    try:
        killer = threading.Thread(
            target=lambda: slow.is_hanging.wait(10) and os.kill(os.getpid(), signal.SIGTERM)
        )
        killer.start()
        began = time.monotonic()
        worker.run()
        assert time.monotonic() - began < 10
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert row(services, public_id).state == State.BUILDING
    with running(Worker(_services(services, FakeProvisioner(node)))):
        until(lambda: row(services, public_id).state == State.READY)


def test_a_signal_may_interrupt_the_handler_of_another_anywhere(
    services: Services, node: FakeNode
) -> None:
    worker = Worker(_services(services, FakeProvisioner(node)))

    def interrupt(_frame: FrameType, _event: str, _arg: object) -> Any:
        worker.stop()
        return interrupt

    def stop() -> None:
        sys.settrace(interrupt)  # from now on before each line
        worker.stop()

    handler = threading.Thread(target=stop, daemon=True)
    handler.start()
    handler.join(10)
    assert not handler.is_alive()
    with running(worker):
        pass  # and it ends


def test_on_sigterm_work_that_soon_ends_is_finished(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    slow = SlowProvisioner(node)
    with running(Worker(_services(services, slow))):
        assert slow.is_hanging.wait(10)
        threading.Timer(0.5, slow.go_on.set).start()
    assert row(services, public_id).state == State.READY


def test_a_hanging_build_holds_up_neither_others_nor_the_clock(
    services: Services, alice: Actor, bob: Actor, xfce: str, node: FakeNode
) -> None:
    first = launch(services, alice)

    class OftenSlowProvisioner(SlowProvisioner):
        def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
            if order.desktop_id == first:
                super().at(moment, order, is_cancelled)

    slow = OftenSlowProvisioner(node, "desktop_start")  # its clone has ended: the source is free
    with running(Worker(_services(services, slow), grace_seconds=0)):
        assert slow.is_hanging.wait(10)
        second = launch(services, bob)
        until(lambda: row(services, second).state == State.READY)
        services.lifetime.stop(bob, second)
        until(lambda: row(services, second).state == State.ENDED)


def test_the_sign_of_life_tells_what_is_wrong_with_proxmox_and_ends_with_the_worker(
    services: Services, node: FakeNode
) -> None:
    down = DownHypervisor()

    def beats() -> list[WorkerBeat]:
        with services.db.read() as session:
            return list(session.scalars(select(WorkerBeat)))

    with running(Worker(_services(services, FakeProvisioner(node), down))):
        until(lambda: bool(beats()) and beats()[0].proxmox_trouble is not None)
        assert "cannot be reached" in (beats()[0].proxmox_trouble or "")
        down.is_down = False
        until(lambda: beats()[0].proxmox_seen_at is not None, 25)
        assert beats()[0].proxmox_trouble is None
    assert beats() == []


def test_one_round_does_all_that_is_due(
    services: Services, alice: Actor, bob: Actor, xfce: str, node: FakeNode
) -> None:
    first, second = launch(services, alice), launch(services, bob)
    assert Worker(_services(services, FakeProvisioner(node))).run_once()
    assert {row(services, one).state for one in (first, second)} == {State.READY}
    services.lifetime.stop(alice, first)
    assert Worker(_services(services, FakeProvisioner(node))).run_once()
    assert row(services, first).state == State.ENDED


def test_one_round_says_when_something_failed(services: Services, node: FakeNode) -> None:
    worker = Worker(_services(services, FakeProvisioner(node), DownHypervisor()))
    assert not worker.run_once()


def test_a_defect_in_one_job_does_not_end_the_worker(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    class BrokenProvisioner(FakeProvisioner):
        is_broken = True

        def destroy(self, desktop_id: str, vmid: int, **options: Any) -> None:
            if self.is_broken:
                self.is_broken = False
                raise ZeroDivisionError
            super().destroy(desktop_id, vmid, **options)

    first = launch(services, alice)
    with running(Worker(_services(services, BrokenProvisioner(node)))):
        until(lambda: row(services, first).state == State.READY)
        services.lifetime.stop(alice, first)
        second = launch(services, alice)
        until(lambda: row(services, second).state == State.READY)


def test_a_restarted_worker_need_not_wait_for_the_lease_of_the_one_that_died(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    public_id = launch(services, alice)
    dying = bootstrap_worker.build_worker_services(
        services,
        worker_name().replace(f":{os.getpid()}:", f":{dead.pid}:"),
        provisioner=DyingProvisioner(node, "desktop_start"),
        hypervisor=node,
    )
    with pytest.raises(Killed):
        dying.builder.build_one()
    assert Worker(_services(services, FakeProvisioner(node))).run_once()
    assert row(services, public_id).state == State.READY


def test_a_living_workers_lease_is_respected(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    living = bootstrap_worker.build_worker_services(
        services,
        worker_name(),
        provisioner=DyingProvisioner(node, "desktop_start"),
        hypervisor=node,
    )
    with pytest.raises(Killed):
        living.builder.build_one()
    Worker(_services(services, FakeProvisioner(node))).run_once()
    assert row(services, public_id).state == State.BUILDING


# -- the database's faults ------------------------------------------------------------------------


@contextmanager
def _full_disk(services: Services) -> Iterator[None]:
    """No page may be added to the database file: SQLite's own `database or disk is full`."""

    def fill(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    event.listen(services.db.engine, "connect", fill)
    services.db.engine.dispose()
    try:
        yield
    finally:
        event.remove(services.db.engine, "connect", fill)
        services.db.engine.dispose()


class WordyProvisioner(SlowProvisioner):
    """Reports so much that storing it needs free space on the disk."""

    def create(self, order: BuildOrder, **how: Any) -> BuildResult:
        return replace(super().create(order, **how), rdp_certificate_pem="x" * 100_000)


def test_a_build_that_cannot_be_written_down_on_a_full_disk_is_repeated(
    services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    slow = WordyProvisioner(node)
    public_id = launch(services, alice)
    with running(Worker(_services(services, slow))):
        assert slow.is_hanging.wait(10)
        with _full_disk(services):
            slow.go_on.set()
            time.sleep(1)
            assert row(services, public_id).state == State.BUILDING
        until(lambda: row(services, public_id).state == State.READY, 30)
    assert [order.desktop_id for order in slow.orders] == [public_id] * 2
    assert list(node.there) == [30001]


def test_a_locked_database_is_waited_for(
    services: Services, config: Config, alice: Actor, xfce: str, node: FakeNode
) -> None:
    schema.check(services.db)
    public_id = launch(services, alice)
    slow = SlowProvisioner(node)
    with running(Worker(_services(services, slow))):
        assert slow.is_hanging.wait(10)
        holder = sqlite3.connect(config.database_url.removeprefix("sqlite:///"))
        holder.execute("BEGIN IMMEDIATE")
        slow.go_on.set()
        time.sleep(2)
        holder.rollback()
        holder.close()
        until(lambda: row(services, public_id).state == State.READY)
    assert list(node.there) == [30001]
