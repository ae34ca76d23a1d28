"""A desktop's deadline: extension, stop, expiry, and what is sent to the desktop."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import SteppingClock
from tests.refusals import refuses
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.domain.errors import BadInput, NotFound, OutsideFailed, Refused
from webapp.domain.states import EndReason, State
from webapp.models import AuditEntry
from webapp.services.audit.record import Actor


@pytest.fixture
def ready(services: Services, alice: Actor, xfce: str, make_worker: MakeWorker) -> str:
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    return public_id


def _actions(services: Services) -> list[tuple[str, bool]]:
    with services.db.read() as session:
        return [(one.action, one.is_refused) for one in session.scalars(select(AuditEntry))]


def test_extending_moves_the_deadline_and_tells_the_desktop(
    services: Services, alice: Actor, make_worker: MakeWorker, node: FakeNode, ready: str
) -> None:
    after = services.lifetime.extend(alice, ready, 15)
    assert after == services.clock.now() + timedelta(minutes=45)
    provisioner = FakeProvisioner(node)
    worker = make_worker(provisioner)
    assert worker.deadline_sender.send_deadline_one()
    assert provisioner.told == [("10.203.0.64", "SHA256:host", after)]
    assert not worker.deadline_sender.send_deadline_one()
    assert ("desktop.extend", False) in _actions(services)


def test_a_desktop_that_was_built_in_usual_time_need_not_be_told_its_deadline(
    make_worker: MakeWorker, ready: str
) -> None:
    assert not make_worker().deadline_sender.send_deadline_one()


def test_a_desktop_that_cannot_be_told_is_tried_again_later(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
) -> None:
    class MuteProvisioner(FakeProvisioner):
        def set_deadline(self, *_: object) -> None:
            raise OutsideFailed("ssh got no answer", retry=True)

    services.lifetime.extend(alice, ready, 15)
    worker = make_worker(MuteProvisioner(node))
    assert worker.deadline_sender.send_deadline_one()
    assert not worker.deadline_sender.send_deadline_one()
    assert row(services, ready).state == State.READY
    clock.step(seconds=60)
    assert make_worker().deadline_sender.send_deadline_one()


def test_an_extension_never_exceeds_the_longest_time(
    services: Services, alice: Actor, ready: str
) -> None:
    longest = services.clock.now() + timedelta(minutes=240)
    assert services.lifetime.extend(alice, ready, 240) == longest
    with refuses(Refused, match="longest"):
        services.lifetime.extend(alice, ready, 1)
    assert ("desktop.extend", True) in _actions(services)


@pytest.mark.parametrize("minutes", [0, -5, 241, 10**9])
def test_an_extension_out_of_range_is_refused(
    services: Services, alice: Actor, ready: str, minutes: int
) -> None:
    with pytest.raises(BadInput):
        services.lifetime.extend(alice, ready, minutes)


def test_a_desktop_that_is_not_ready_cannot_be_extended(
    services: Services, alice: Actor, xfce: str
) -> None:
    with refuses(Refused, match="queued"):
        services.lifetime.extend(alice, launch(services, alice), 10)


def test_a_desktop_whose_time_is_up_cannot_be_extended(
    services: Services, alice: Actor, clock: SteppingClock, ready: str
) -> None:
    clock.step(minutes=31)
    with refuses(Refused, match="time is up"):
        services.lifetime.extend(alice, ready, 10)


def test_other_people_have_no_such_desktop(services: Services, bob: Actor, ready: str) -> None:
    with pytest.raises(NotFound):
        services.lifetime.stop(bob, ready)
    with pytest.raises(NotFound):
        services.lifetime.extend(bob, ready, 10)
    with pytest.raises(NotFound):
        services.lifetime.stop(bob, "desktop-ffffffff")
    assert row(services, ready).state == State.READY


def test_an_admin_may_stop_anybodys_desktop_and_the_reason_says_so(
    services: Services, root: Actor, ready: str
) -> None:
    services.lifetime.stop(root, ready)
    desktop = row(services, ready)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.ADMIN)


def test_stopping_twice_changes_nothing(services: Services, alice: Actor, ready: str) -> None:
    services.lifetime.stop(alice, ready)
    first = row(services, ready)
    services.lifetime.stop(alice, ready)
    assert row(services, ready).row_version == first.row_version
    assert _actions(services).count(("desktop.stop", False)) == 1


def test_a_desktop_expires_at_its_deadline_and_not_before(
    services: Services, clock: SteppingClock, ready: str
) -> None:
    clock.step(minutes=29, seconds=59)
    assert not services.lifetime.expire_some()
    clock.step(seconds=1)
    assert services.lifetime.expire_some()
    desktop = row(services, ready)
    assert (desktop.state, desktop.end_reason) == (State.STOPPING, EndReason.EXPIRED)
    assert not services.lifetime.expire_some()


def test_an_extended_desktop_lives_on(
    services: Services, alice: Actor, clock: SteppingClock, ready: str
) -> None:
    services.lifetime.extend(alice, ready, 10)
    clock.step(minutes=31)
    assert not services.lifetime.expire_some()
    clock.step(minutes=9)
    assert services.lifetime.expire_some()
