"""Several workers on PostgreSQL, where transactions really run at the same time."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import PASSWORD, make_environment, publish_template
from tests.worker.life import launch, reservations
from webapp import bootstrap_worker
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.access import Internal
from webapp.domain.states import EndReason, State
from webapp.models import AuditEntry, Base, Desktop, Template, TemplateReplica
from webapp.services.audit.record import SYSTEM, Actor
from webapp.worker.loop import Worker

COMMANDS = Actor(None, role=Internal.COMMAND_LINE)


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Services]:
    services = build_services(load(make_environment(tmp_path, WINUX_DATABASE_URL=postgres_url)))
    migration.migrate(services.db)
    publish_template(services)
    yield services
    Base.metadata.drop_all(services.db.engine)
    with services.db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    services.db.close()


def _count(services: Services, state: State) -> int:
    with services.db.read() as session:
        return session.scalar(select(func.count()).where(Desktop.state == state)) or 0


def _until_all_are(services: Services, state: State, count: int) -> None:
    patience = time.monotonic() + 120
    while _count(services, state) < count:
        assert time.monotonic() < patience, "it did not happen in time"
        time.sleep(0.05)


def test_three_workers_build_and_tear_down_each_desktop_once(on_postgres: Services) -> None:
    node = FakeNode()
    provisioners = [FakeProvisioner(node) for _ in range(3)]
    workers = [
        Worker(
            bootstrap_worker.build_worker_services(
                on_postgres, f"worker-{number}", provisioner=provisioner, hypervisor=node
            )
        )
        for number, provisioner in enumerate(provisioners)
    ]
    people = [
        Actor(on_postgres.accounts.add_person(SYSTEM, f"person{number}", PASSWORD))
        for number in range(4)
    ]
    wanted = [launch(on_postgres, person) for person in people for _ in range(3)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        _until_all_are(on_postgres, State.READY, 12)
        stoppers = [
            threading.Thread(
                target=on_postgres.lifetime.stop,
                args=(COMMANDS, public_id),
            )
            for public_id in wanted * 2  # each person clicks twice
        ]
        for stopper in stoppers:
            stopper.start()
        _until_all_are(on_postgres, State.ENDED, 12)
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(30)
    built = [order.desktop_id for one in provisioners for order in one.orders]
    assert sorted(built) == sorted(wanted)
    assert len([vmid for one in provisioners for vmid in one.destroyed]) == 12
    assert (node.there, reservations(on_postgres)) == ({}, 0)


def test_three_workers_keep_one_pool_and_never_make_it_too_large(on_postgres: Services) -> None:
    node = FakeNode()
    made = [
        bootstrap_worker.build_worker_services(
            on_postgres, f"worker-{number}", provisioner=FakeProvisioner(node), hypervisor=node
        )
        for number in range(3)
    ]
    alice = Actor(on_postgres.accounts.add_person(SYSTEM, "alice", PASSWORD))
    on_postgres.pools.change(SYSTEM, "xfce", {"target": 5, "max": 5})
    start = threading.Barrier(len(made))

    def keep(worker: bootstrap_worker.WorkerServices) -> None:
        start.wait()
        for _ in range(20):
            worker.pools.keep()

    keepers = [threading.Thread(target=keep, args=(worker,)) for worker in made]
    for thread in keepers:
        thread.start()
    for thread in keepers:
        thread.join()
    assert 1 <= _count(on_postgres, State.QUEUED) <= 5
    workers = [Worker(services) for services in made]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    _until_all_are(on_postgres, State.WARM, 5)
    taken = [launch(on_postgres, alice) for _ in range(3)]
    _until_all_are(on_postgres, State.READY, len(taken))
    _until_all_are(on_postgres, State.WARM, 5)
    for worker in workers:
        worker.stop()
    for thread in threads:
        thread.join(30)
    assert _count(on_postgres, State.WARM) == 5
    assert len(node.there) == 8


def test_desktops_that_end_together_end_once_each(on_postgres: Services) -> None:
    """Expired or idle, in batches, while three workers search for the same ones."""
    node = FakeNode()
    workers = [
        bootstrap_worker.build_worker_services(
            on_postgres, f"worker-{number}", provisioner=FakeProvisioner(node), hypervisor=node
        )
        for number in range(3)
    ]
    for number in range(8):
        alice = Actor(on_postgres.accounts.add_person(SYSTEM, f"person{number}", PASSWORD))
        launch(on_postgres, alice)
        assert workers[0].builder.build_one()
    long_ago = on_postgres.clock.now() - timedelta(minutes=5)
    with on_postgres.db.begin() as session:
        session.scalars(select(Template)).one().idle_minutes = 4
        for desktop in session.scalars(select(Desktop)):
            if desktop.id % 2:
                desktop.deadline_at = long_ago
            else:
                desktop.ready_at = long_ago
                desktop.input_asked_at = on_postgres.clock.now()  # and it reported none
    with ThreadPoolExecutor(6) as threads:
        ends = [one.lifetime.expire_some for one in workers] + [
            one.idle.stop_some for one in workers
        ]
        for done in [threads.submit(end) for end in ends]:
            done.result()
    with on_postgres.db.read() as session:
        desktops = session.scalars(select(Desktop)).all()
        acts = session.scalars(select(AuditEntry).where(AuditEntry.action != "desktop.launch"))
        ended = [one.subject for one in acts if one.action in {"desktop.expire", "desktop.stop"}]
    assert {one.state for one in desktops} == {State.STOPPING}
    assert sorted(ended) == sorted(one.public_id for one in desktops)
    reasons = {(one.id % 2, one.end_reason) for one in desktops}
    assert reasons == {(1, EndReason.EXPIRED), (0, EndReason.IDLE)}


def test_an_old_version_of_a_template_is_removed(on_postgres: Services) -> None:
    publish = on_postgres.catalogue.publish
    publish(SYSTEM, "xfce", 29001, "1", {}, node="lab")
    publish(SYSTEM, "xfce", 29002, "2", {}, node="lab")
    with on_postgres.db.begin() as session:
        session.get_one(TemplateReplica, 29001).retired_at = datetime(2026, 3, 1, tzinfo=UTC)
    provisioner = FakeProvisioner(FakeNode())
    worker = bootstrap_worker.build_worker_services(
        on_postgres, "worker", provisioner=provisioner, hypervisor=provisioner.node
    )
    assert worker.template_retirement.remove_one()
    assert provisioner.removed_templates == [(29001, "1")]
    assert not worker.template_retirement.remove_one()
