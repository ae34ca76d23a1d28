"""Old versions of a template are kept until their last desktop ends and the keeping time is
over."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import SteppingClock, make_environment
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.config import Config, load
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import State
from webapp.models import AuditEntry, TemplateReplica
from webapp.services.audit.record import SYSTEM, Actor

OLD, NEW = (29001, "1"), (29002, "2")
DAY = {"hours": 24}


@pytest.fixture
def provisioner(node: FakeNode) -> FakeProvisioner:
    return FakeProvisioner(node)


def publish(services: Services, of: tuple[int, str]) -> None:
    services.catalogue.publish(SYSTEM, "xfce", *of, {}, node="lab")


def removed(
    make_worker: MakeWorker, provisioner: FakeProvisioner, clock: SteppingClock, **later: float
) -> list[tuple[int, str]]:
    """Return what is removed after this additional time."""
    clock.step(**later)
    worker = make_worker(provisioner)
    while worker.template_retirement.remove_one():
        pass
    return provisioner.removed_templates


def replicas(services: Services) -> Mapping[int, TemplateReplica]:
    with services.db.read() as session:
        return {one.vmid: one for one in session.scalars(select(TemplateReplica))}


@pytest.fixture(autouse=True)
def offered(services: Services, xfce: str) -> None:
    publish(services, OLD)


def test_it_is_removed_after_a_day(
    services: Services,
    make_worker: MakeWorker,
    provisioner: FakeProvisioner,
    clock: SteppingClock,
) -> None:
    assert removed(make_worker, provisioner, clock, **DAY) == []  # it is offered
    publish(services, NEW)
    assert removed(make_worker, provisioner, clock, hours=23) == []
    assert removed(make_worker, provisioner, clock, hours=1) == [OLD]
    assert list(replicas(services)) == [29002]
    with services.db.read() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last
    assert (last.action, last.subject, last.detail) == (
        "template.remove",
        "xfce",
        "1, 29001 on lab",
    )


@pytest.mark.parametrize("state", [State.READY, State.PAUSED])
def test_it_waits_for_the_last_desktop_that_was_cloned_from_it(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    provisioner: FakeProvisioner,
    clock: SteppingClock,
    state: State,
) -> None:
    services.catalogue.change(SYSTEM, "xfce", {"max_pause_minutes": 10_000})
    public_id = launch(services, alice)
    worker = make_worker(provisioner)
    worker.builder.build_one()
    if state == State.PAUSED:
        services.pauses.pause(alice, public_id)
        worker.pauser.pause_one()
    assert row(services, public_id).state == state
    publish(services, NEW)
    assert removed(make_worker, provisioner, clock, **DAY) == []
    services.lifetime.stop(alice, public_id)
    assert removed(make_worker, provisioner, clock) == []  # it still exists
    worker.teardown.teardown_one()
    assert removed(make_worker, provisioner, clock) == [OLD]


def test_it_stays_while_the_new_one_is_not_there(
    services: Services, make_worker: MakeWorker, provisioner: FakeProvisioner, clock: SteppingClock
) -> None:
    publish(services, NEW)
    make_worker(provisioner).heartbeat.look_at_proxmox()  # sees none
    assert removed(make_worker, provisioner, clock, **DAY) == []
    provisioner.node.put(29002, None, node="lab", is_template=True)
    make_worker(provisioner).heartbeat.look_at_proxmox()
    assert removed(make_worker, provisioner, clock) == [OLD]


def test_one_that_is_offered_again_stays(
    services: Services,
    make_worker: MakeWorker,
    provisioner: FakeProvisioner,
    clock: SteppingClock,
) -> None:
    publish(services, NEW)
    publish(services, OLD)
    assert removed(make_worker, provisioner, clock, **DAY) == [NEW]
    assert list(replicas(services)) == [29001]


def test_what_could_not_be_removed_is_tried_again_after_an_hour(
    services: Services,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    class RefusingProvisioner(FakeProvisioner):
        def at_remove_template(self) -> None:
            raise OutsideFailed("The dataset has dependent clones.", retry=True)

    publish(services, NEW)
    refusing = RefusingProvisioner(node)
    assert removed(make_worker, refusing, clock, **DAY) == [OLD]
    assert removed(make_worker, refusing, clock, minutes=59) == [OLD]
    assert removed(make_worker, refusing, clock, minutes=1) == [OLD, OLD]
    assert replicas(services)[29001].removal_trouble == "The dataset has dependent clones."


class TestWhereOldOnesAreKept:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Config:
        return load(make_environment(tmp_path, WINUX_TEMPLATE_KEEP_HOURS="0"))

    def test_they_stay_for_ever(
        self,
        services: Services,
        make_worker: MakeWorker,
        provisioner: FakeProvisioner,
        clock: SteppingClock,
    ) -> None:
        publish(services, NEW)
        assert removed(make_worker, provisioner, clock, hours=9000) == []
