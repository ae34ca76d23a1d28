"""Adopting a desktop made by hand: it becomes a normal desktop, or stays unchanged."""

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner, Killed
from tests.portal import SteppingClock
from tests.refusals import refuses
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, reservations, row
from webapp.bootstrap import Services
from webapp.domain.errors import NotFound, OutsideFailed, Refused
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import EndReason, State
from webapp.models import AuditEntry
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.provisioning.adopt import AdoptionRequest

MADE = Mark("manual", "desktop-0badcafe")
WISH = AdoptionRequest(vmid=20001, owner="alice", minutes=60, password="a given password")


@pytest.fixture
def made(node: FakeNode, xfce: str, alice: Actor) -> FakeNode:
    """Create a desktop by hand, as an operator, outside the portal's VM ids."""
    node.put(20001, MADE, address="10.203.0.12/24", limit_mb=2048, cores=1)
    return node


class UnsureProvisioner(FakeProvisioner):
    """Fails to adopt, or ends its worker, before or after the mark is written."""

    def __init__(self, node: FakeNode, moment: str, error: BaseException) -> None:
        super().__init__(node)
        self.moment = moment
        self.error = error

    def at_adopt(self, moment: str) -> None:
        if moment == self.moment:
            self.moment = ""
            raise self.error


def test_it_becomes_a_desktop_like_any_other(
    services: Services,
    alice: Actor,
    made: FakeNode,
    make_worker: MakeWorker,
    clock: SteppingClock,
) -> None:
    provisioner = FakeProvisioner(made)
    worker = make_worker(provisioner)
    desktop = worker.adopter.adopt(SYSTEM, WISH)
    assert (desktop.public_id, desktop.state) == (MADE.desktop_id, State.READY)
    assert (desktop.owner_id, desktop.vmid, desktop.address) == (
        alice.person_id,
        20001,
        "10.203.0.12",
    )
    assert desktop.ssh_host_key_sha256 == "SHA256:host"
    assert services.credentials.reveal(alice, MADE.desktop_id).password == "a given password"
    assert reservations(services) == 2
    for _ in range(3):
        worker.reconciler.reconcile()
        clock.step(minutes=1)
    assert services.findings.now_open() == []
    clock.step(minutes=57)
    assert services.lifetime.expire_some()
    worker.teardown.teardown_one()
    assert row(services, MADE.desktop_id).state == State.ENDED
    assert (made.there, reservations(services)) == ({}, 0)


def test_one_that_was_shut_down_is_lost_though_its_vm_id_is_not_of_our_range(
    services: Services, alice: Actor, made: FakeNode, make_worker: MakeWorker
) -> None:
    worker = make_worker()
    worker.adopter.adopt(SYSTEM, WISH)
    made.change(20001, is_running=False)
    worker.reconciler.reconcile()
    assert row(services, MADE.desktop_id).end_reason == EndReason.LOST


def test_what_the_database_forgot_is_given_back_to_its_owner(
    services: Services, made: FakeNode, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    made.put(30009, Mark("tests", "desktop-0000f00d"), address="10.203.0.99/24")
    worker = make_worker()
    worker.reconciler.reconcile()
    assert [found.vmid for found in services.findings.now_open()] == [30009]
    worker.adopter.adopt(SYSTEM, AdoptionRequest(vmid=30009, owner="alice"))
    clock.step(minutes=1)
    worker.reconciler.reconcile()
    assert services.findings.now_open() == []
    assert row(services, "desktop-0000f00d").state == State.READY


def test_refusals_change_nothing_and_are_audited(
    services: Services, alice: Actor, made: FakeNode, make_worker: MakeWorker
) -> None:
    worker = make_worker()
    launched = launch(services, alice)
    worker.builder.build_one()
    made.put(20002, None, address="10.203.0.13/24")
    made.put(20003, Mark("manual", "desktop-0000beef"), address="10.203.0.64/24")
    before = dict(made.there)
    for vmid, words in [
        (20002, "carries no mark"),
        (20003, "Another desktop holds"),
        (20009, "There is no container"),
        (30001, f"There is a desktop {launched} already"),
    ]:
        with refuses(Refused, match=words):
            worker.adopter.adopt(SYSTEM, AdoptionRequest(vmid=vmid, owner="alice"))
    with pytest.raises(NotFound):
        worker.adopter.adopt(SYSTEM, AdoptionRequest(vmid=20001, owner="nobody"))
    assert made.there == before
    assert reservations(services) == 2
    with services.db.read() as session:
        refused = session.scalars(
            select(AuditEntry.action).where(AuditEntry.is_refused, AuditEntry.subject != "")
        ).all()
    assert refused == ["desktop.adopt"] * 5


def test_one_that_cannot_be_adopted_stays_its_makers(
    services: Services, made: FakeNode, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    failure = OutsideFailed("it belongs to the user 'anna' already", retry=True)
    worker = make_worker(UnsureProvisioner(made, "before", failure))
    with pytest.raises(OutsideFailed, match="anna"):
        worker.adopter.adopt(SYSTEM, WISH)
    desktop = row(services, MADE.desktop_id)
    assert (desktop.state, desktop.end_reason) == (State.ENDED, EndReason.FAILED)
    assert (made.there[20001].description, reservations(services)) == (str(MADE), 0)
    clock.step(minutes=10)
    assert not worker.teardown.teardown_one()
    again = worker.adopter.adopt(SYSTEM, WISH)  # its id is used already; it gets another
    assert (again.state, again.public_id != MADE.desktop_id) == (State.READY, True)
    assert made.there[20001].description == str(Mark("tests", again.public_id))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_finishes_what_a_killed_command_began(
    services: Services,
    made: FakeNode,
    make_worker: MakeWorker,
    clock: SteppingClock,
    moment: str,
) -> None:
    with pytest.raises(Killed):
        make_worker(UnsureProvisioner(made, moment, Killed())).adopter.adopt(SYSTEM, WISH)
    worker = make_worker()
    clock.step(seconds=61)
    worker.reconciler.reconcile()
    assert not worker.builder.build_one(), "it is not built anew"
    assert worker.adopter.finish_one()
    assert row(services, MADE.desktop_id).state == State.READY
    assert made.there[20001].description == str(Mark("tests", MADE.desktop_id))


def test_a_lost_answer_after_the_mark_was_written_is_no_failure(
    services: Services, made: FakeNode, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    lost = OutsideFailed("did not answer in time", retry=True)
    worker = make_worker(UnsureProvisioner(made, "after", lost))
    with pytest.raises(OutsideFailed):
        worker.adopter.adopt(SYSTEM, WISH)
    assert row(services, MADE.desktop_id).state == State.BUILDING
    assert not worker.adopter.finish_one(), "in a moment"
    clock.step(seconds=31)
    assert worker.adopter.finish_one()
    assert row(services, MADE.desktop_id).state == State.READY
