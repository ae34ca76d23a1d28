"""Assigning: a claimed pool desktop gets its person's settings, or fails with a reason."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes import FailingAssigner, FakeNode, FakeProvisioner, Killed, SlowAssigner
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import row
from webapp.bootstrap import Services
from webapp.domain.desktops.estimate import ASSIGN_STEPS
from webapp.domain.errors import OutsideFailed
from webapp.domain.people.passwords import make_password
from webapp.domain.states import EndReason, State
from webapp.models import Desktop, Template
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.desktops.reservation import reserve

ANNA = LaunchRequest(rdp_username="anna", keyboard_layout="pl")


def build_for_pool(services: Services, provisioner: FakeProvisioner, make: MakeWorker) -> str:
    """A warm desktop, built by the worker for the pool."""
    now = services.clock.now()
    with services.db.begin() as session:
        desktop = Desktop(
            public_id="desktop-0000000a",
            template=session.scalars(select(Template)).one(),
            state=State.QUEUED,
            state_at=now,
            created_at=now,
            minutes=30,
            rdp_username="desktop",
            keyboard_layout="us",
            password_locked=services.vault.lock(make_password()),
        )
        session.add(desktop)
        reserve(session, services.config, desktop)
    assert make(provisioner).builder.build_for_pool_one()
    assert row(services, desktop.public_id).state == State.WARM
    return desktop.public_id


@pytest.fixture
def provisioner(node: FakeNode) -> FakeProvisioner:
    return FakeProvisioner(node)


@pytest.fixture
def warm(
    services: Services, xfce: str, make_worker: MakeWorker, provisioner: FakeProvisioner
) -> str:
    return build_for_pool(services, provisioner, make_worker)


def test_the_person_gets_name_keyboard_password_and_their_whole_time(
    services: Services,
    alice: Actor,
    warm: str,
    make_worker: MakeWorker,
    provisioner: FakeProvisioner,
    clock: SteppingClock,
) -> None:
    built_with = provisioner.orders[0].rdp_password
    clock.step(hours=2)
    assert services.launcher.launch(alice, ANNA) == warm
    clock.step(seconds=3)
    assert make_worker(provisioner).assigner.assign_one()
    desktop = row(services, warm)
    assert (desktop.state, desktop.ready_at) == (State.READY, clock.now())
    assert desktop.deadline_at == desktop.deadline_told_at == clock.now() + timedelta(minutes=30)
    (order,) = provisioner.assigned
    assert (order.rdp_username, order.keyboard_layout) == ("anna", "pl")
    assert (order.vmid, order.ssh_host_key_sha256) == (desktop.vmid, "SHA256:host")
    seen = services.credentials.reveal(alice, warm)
    assert (seen.password, seen.target.username) == (order.rdp_password, "anna")
    assert seen.password != built_with


def test_who_asked_for_it_as_it_was_built_waits_for_nobody(
    services: Services, alice: Actor, warm: str, make_worker: MakeWorker
) -> None:
    services.launcher.launch(alice, LaunchRequest())
    assert not make_worker().assigner.assign_one()
    assert row(services, warm).state == State.READY


def test_the_desktop_itself_is_told_when_it_ends(
    services: Services,
    alice: Actor,
    warm: str,
    make_worker: MakeWorker,
    provisioner: FakeProvisioner,
) -> None:
    services.launcher.launch(alice, LaunchRequest(minutes=45))
    assert make_worker(provisioner).deadline_sender.send_deadline_one()
    deadline = services.clock.now() + timedelta(minutes=45)
    assert provisioner.told == [(row(services, warm).address, "SHA256:host", deadline)]


def test_the_page_shows_the_steps_of_assigning_alone(
    services: Services, alice: Actor, warm: str, clock: SteppingClock
) -> None:
    clock.step(hours=2)
    services.launcher.launch(alice, ANNA)
    clock.step(seconds=1)
    view = services.reports.build(services.reports.desktop(alice, warm))
    assert [step.name for step in view.steps] == list(ASSIGN_STEPS)
    assert not any(step.is_done for step in view.steps)
    assert view.elapsed == timedelta(seconds=1)


@pytest.mark.parametrize("step", ASSIGN_STEPS)
def test_what_breaks_is_said_and_torn_down(
    services: Services,
    alice: Actor,
    warm: str,
    make_worker: MakeWorker,
    node: FakeNode,
    step: str,
) -> None:
    services.launcher.launch(alice, ANNA)
    trouble = OutsideFailed("The desktop does not answer on SSH.", retry=True, log="line 1")
    make_worker(FailingAssigner(node, step, trouble)).assigner.assign_one()
    desktop = row(services, warm)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.FAILED)
    assert (desktop.failure, desktop.failure_log) == (
        "The desktop does not answer on SSH.",
        "line 1",
    )
    assert desktop.failed_at


@pytest.mark.parametrize("step", ASSIGN_STEPS)
def test_another_worker_goes_on_where_one_died(
    services: Services,
    alice: Actor,
    warm: str,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    step: str,
) -> None:
    services.launcher.launch(alice, ANNA)
    dying = FailingAssigner(node, step, Killed())
    with pytest.raises(Killed):
        make_worker(dying).assigner.assign_one()
    assert not make_worker(dying).assigner.assign_one()  # the dead worker's lease has not expired
    clock.step(minutes=2)
    assert make_worker(dying).assigner.assign_one()
    assert row(services, warm).state == State.READY
    assert len({order.rdp_password for order in dying.assigned}) == 1


def test_a_machine_with_other_keys_is_not_the_desktop(
    services: Services, alice: Actor, warm: str, make_worker: MakeWorker
) -> None:
    services.launcher.launch(alice, ANNA)
    with services.db.begin() as session:
        session.query(Desktop).one().rdp_certificate_sha256 = "that of the one that was built"
    make_worker().assigner.assign_one()
    assert "Another machine answered" in (row(services, warm).failure or "")


def test_stopping_it_meanwhile_cancels_the_run(
    services: Services, alice: Actor, warm: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    services.launcher.launch(alice, ANNA)
    slow = SlowAssigner(node)
    worker = threading.Thread(target=make_worker(slow).assigner.assign_one)
    worker.start()
    assert slow.is_hanging.wait(5)
    services.lifetime.stop(alice, warm)
    worker.join(5)
    assert not worker.is_alive()
    desktop = row(services, warm)
    assert (desktop.state, desktop.end_reason, desktop.failure) == (
        State.STOPPING,
        EndReason.ASKED,
        None,
    )
    assert desktop.worked_by is None


def test_a_worker_that_ends_leaves_it_to_the_next_one(
    services: Services, alice: Actor, warm: str, make_worker: MakeWorker, node: FakeNode
) -> None:
    services.launcher.launch(alice, ANNA)
    slow = SlowAssigner(node)
    make_worker(slow).assigner.assign_one(slow.is_hanging.is_set)
    desktop = row(services, warm)
    assert (desktop.state, desktop.worked_by) == (State.ASSIGNING, None)
    assert make_worker().assigner.assign_one()
    assert row(services, warm).state == State.READY


def test_one_that_was_interrupted_for_too_long_fails(
    services: Services, alice: Actor, warm: str, make_worker: MakeWorker, clock: SteppingClock
) -> None:
    services.launcher.launch(alice, ANNA)
    clock.time += services.config.build_timeout + timedelta(seconds=1)
    make_worker().assigner.assign_one()
    assert "interrupted" in (row(services, warm).failure or "")


def test_nothing_to_do_is_said(services: Services, warm: str, make_worker: MakeWorker) -> None:
    assert not make_worker().assigner.assign_one()
