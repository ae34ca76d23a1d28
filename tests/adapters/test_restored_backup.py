"""Restoring an old database backup while desktops run destroys none of them."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adapters.lab import desktops_on, environment_of
from tests.fakes import FakeNode, FakeProvisioner
from tests.labnode.server import LabNode
from tests.portal import PASSWORD, SteppingClock, publish_template
from tests.worker.life import launch, row
from webapp import bootstrap, bootstrap_worker
from webapp.adapters import migration
from webapp.bootstrap import Services
from webapp.config import Config, load
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.domain.upkeep.drift import Kind
from webapp.ports import BuildOrder, BuildResult
from webapp.services.audit.record import SYSTEM, Actor
from webapp.worker.loop import Worker


class ApiProvisioner(FakeProvisioner):
    """Creates and removes containers only by API, as simulated ones cannot be entered."""

    def __init__(self, lab: LabNode) -> None:
        super().__init__(FakeNode())
        self.client = lab.client("portal")

    def create(
        self, order: BuildOrder, *, on_step: Callable[[str], None], is_cancelled: Callable[[], bool]
    ) -> BuildResult:
        lxc = f"/nodes/lab/lxc/{order.vmid}"
        made = self.client.post(
            f"/nodes/lab/lxc/{order.template_vmid}/clone",
            newid=order.vmid,
            hostname=order.desktop_id,
            description=str(Mark("tests", order.desktop_id)),
            pool="winux",
        )
        assert self.client.done(made) == "OK"
        net = f"name=eth0,bridge={order.bridge},ip={order.address}"
        config = {"memory": order.memory_mb, "cores": order.cores, "net0": net}
        assert self.client.put(f"{lxc}/config", **config).status == 200
        assert self.client.done(self.client.post(f"{lxc}/status/start")) == "OK"
        return BuildResult(order.node, order.address, "SHA256:host", "cert", "PEM")

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        lxc = f"/nodes/lab/lxc/{vmid}"
        if self.client.get(f"{lxc}/config").status == 200:
            self.client.done(self.client.post(f"{lxc}/status/stop"))
            assert self.client.done(self.client.delete(lxc)) == "OK"


class Portal:
    """A portal and its database file, which can be backed up and restored."""

    def __init__(self, lab: LabNode, config: Config, clock: SteppingClock) -> None:
        self.lab, self.config, self.clock = lab, config, clock
        self.file = Path(config.database_url.removeprefix("sqlite:///"))
        self.start()

    def start(self) -> None:
        self.services: Services = bootstrap.build_services(self.config, clock=self.clock)
        migration.migrate(self.services.db)
        self.worker = bootstrap_worker.build_worker_services(
            self.services, "worker:1:1", provisioner=ApiProvisioner(self.lab)
        )

    def work(self) -> None:
        """Do all work that is due, like a worker."""
        assert Worker(self.worker).run_once()

    def work_for(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.step(minutes=1)
            self.work()

    def back_up(self) -> Path:
        """Back up the running database, like `sqlite3 winux.db ".backup …"`."""
        copy = self.file.with_name("backup.db")
        with sqlite3.connect(self.file) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        return copy

    def restore(self, copy: Path) -> None:
        self.services.db.close()
        for suffix in ("-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        self.file.write_bytes(copy.read_bytes())
        self.start()


@pytest.fixture
def portal(lab: LabNode, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(lab, load(environment_of(lab, tmp_path)), SteppingClock())
    publish_template(made.services)
    yield made
    made.services.db.close()


def test_what_was_launched_extended_and_ended_since_the_backup(
    lab: LabNode, portal: Portal
) -> None:
    person = Actor(portal.services.accounts.add_person(SYSTEM, "alice", PASSWORD))
    extended, stopped = launch(portal.services, person), launch(portal.services, person)
    portal.work()
    assert desktops_on(lab) == [30001, 30002]
    backup = portal.back_up()

    portal.services.lifetime.extend(person, extended, 180)
    portal.services.lifetime.stop(person, stopped)
    portal.work_for(20)
    since = launch(portal.services, person)
    portal.work_for(20)
    there = desktops_on(lab)
    assert len(there) == 2, "the extended one and the new one"

    portal.restore(backup)
    portal.work()
    assert row(portal.services, extended).state == State.READY, "it gets a notice"
    assert row(portal.services, stopped).end_reason == EndReason.LOST
    [found] = [one for one in portal.services.findings.now_open() if one.desktop_id == since]
    assert found.kind is Kind.FORGOTTEN
    portal.work_for(10)
    assert desktops_on(lab) == there

    another = launch(portal.services, person)
    portal.work()
    desktop = row(portal.services, another)
    assert desktop.state == State.READY
    assert (desktop.vmid, desktop.address) != (found.vmid, found.address)
    assert desktop.address != found.address
    portal.work_for(45)
    assert desktops_on(lab) == [found.vmid], "the others have ended at their time"
    portal.clock.step(days=1)
    portal.work()
    assert desktops_on(lab) == [], "by now it would have ended, whatever it was"


def test_a_backup_of_yesterday_with_many_desktops_since_destroys_none(
    lab: LabNode, portal: Portal
) -> None:
    portal.work()
    backup = portal.back_up()
    people = [
        Actor(portal.services.accounts.add_person(SYSTEM, f"person{number}", PASSWORD))
        for number in range(6)
    ]
    for person in people:
        launch(portal.services, person)
    portal.work()
    there = desktops_on(lab)
    assert len(there) == 6
    portal.clock.step(days=1)
    portal.restore(backup)
    for _ in range(3):
        portal.work()
        portal.clock.step(days=2)
    assert desktops_on(lab) == there
    assert all(one.due_at is None for one in portal.services.findings.now_open())
