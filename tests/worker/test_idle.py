"""The idle limit and the closed page: what counts as use, the warning, and the end."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, row
from tests.worker.test_connections import connect
from webapp.bootstrap import Services
from webapp.domain.connections.rules import ConnectionEnd
from webapp.domain.errors import NotFound, OutsideFailed
from webapp.domain.states import EndReason, State
from webapp.models import Template
from webapp.services.audit.record import Actor
from webapp.services.connections.connections import Traffic
from webapp.services.desktops.idle import IdleWatch


@pytest.fixture
def ready(services: Services, alice: Actor, xfce: str, make_worker: MakeWorker) -> str:
    """A desktop with an idle limit of ten minutes and a distant deadline."""
    with services.db.begin() as session:
        session.scalars(select(Template)).one().idle_minutes = 10
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    return public_id


def asked_and_warned(idle: IdleWatch) -> bool:
    """Do the worker's steps in its order."""
    while idle.ask_one():
        pass
    return idle.warn_one()


def asked_and_stopped(idle: IdleWatch) -> bool:
    while idle.ask_one():
        pass
    return idle.stop_some()


def test_a_desktop_that_nobody_ever_used_ends_after_its_limit(
    services: Services, make_worker: MakeWorker, ready: str, clock: SteppingClock
) -> None:
    idle = make_worker().idle
    clock.step(minutes=9, seconds=59)
    assert not idle.stop_some()
    clock.step(seconds=1)
    assert asked_and_stopped(idle)
    assert not idle.stop_some()
    ended = row(services, ready)
    assert (ended.state, ended.end_reason) == (State.STOPPING, EndReason.IDLE)


def test_an_open_connection_without_input_is_no_use(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    ready: str,
    signed_in: int,
    clock: SteppingClock,
) -> None:
    clock.step(minutes=5)
    admitted = connect(services, alice, ready, signed_in)
    for _ in range(10):
        clock.step(minutes=1)
        services.presence.heartbeat(alice, ready)
        services.connections.beat([Traffic(admitted.connection_id, 1, 10**9, None)])
    assert asked_and_stopped(make_worker().idle)


def test_input_counts_from_its_time(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    ready: str,
    signed_in: int,
    clock: SteppingClock,
) -> None:
    admitted = connect(services, alice, ready, signed_in)
    clock.step(minutes=8)
    traffic = Traffic(admitted.connection_id, 1, 1, clock.now())
    services.connections.close(traffic, ConnectionEnd.LEFT)
    clock.step(minutes=9)
    assert not make_worker().idle.stop_some()
    assert services.presence.heartbeat(alice, ready).is_idle_soon
    clock.step(minutes=1)
    assert asked_and_stopped(make_worker().idle)


@pytest.mark.parametrize(
    ("own", "site", "ends"), [(0, 5, False), (None, 0, False), (None, 5, True)]
)
def test_the_template_s_limit_goes_before_the_site_s(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    ready: str,
    clock: SteppingClock,
    own: int | None,
    site: int,
    ends: bool,
) -> None:
    object.__setattr__(services.config, "idle_minutes", site)
    with services.db.begin() as session:
        session.scalars(select(Template)).one().idle_minutes = own
    clock.step(minutes=20)
    assert asked_and_stopped(make_worker().idle) is ends
    if not ends:
        assert services.presence.heartbeat(alice, ready).idle_ends_at is None


def test_the_desktop_is_warned_once_and_anew_after_use(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    ready: str,
    signed_in: int,
    clock: SteppingClock,
) -> None:
    provisioner = FakeProvisioner(node)
    idle = make_worker(provisioner).idle
    assert not idle.warn_one()
    clock.step(minutes=8)
    assert asked_and_warned(idle)
    assert not idle.warn_one()
    address, host_key, text = provisioner.warned[0]
    assert (address, host_key) == ("10.203.0.64", "SHA256:host")
    assert "ends soon" in text
    admitted = connect(services, alice, ready, signed_in)
    services.connections.beat([Traffic(admitted.connection_id, 1, 1, clock.now())])
    idle.forgive()
    clock.step(minutes=8)
    assert asked_and_warned(idle)
    assert len(provisioner.warned) == 2


def test_a_desktop_that_cannot_be_warned_still_ends(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str, clock: SteppingClock
) -> None:
    class MuteProvisioner(FakeProvisioner):
        def warn(self, *_: object) -> None:
            raise OutsideFailed("ssh got no answer", retry=True)

    idle = make_worker(MuteProvisioner(node)).idle
    clock.step(minutes=8)
    assert asked_and_warned(idle)
    clock.step(minutes=2)
    assert asked_and_stopped(idle)


# -- RDP programs, which connect to the desktop without the gateway -------------------------------


class UsedProvisioner(FakeProvisioner):
    """A person types with an RDP program, `ago` before now."""

    ago: timedelta | None = timedelta(seconds=20)
    asked = 0

    def since_input(self, address: str, ssh_host_key_sha256: str) -> timedelta | None:
        assert (address, ssh_host_key_sha256) == ("10.203.0.64", "SHA256:host")
        self.asked += 1
        return self.ago


def test_a_desktop_that_is_used_with_an_rdp_program_goes_on(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    node: FakeNode,
    ready: str,
    clock: SteppingClock,
) -> None:
    provisioner = UsedProvisioner(node)
    idle = make_worker(provisioner).idle
    assert not idle.ask_one(), "there is no need to ask yet"
    clock.step(minutes=8)
    assert not idle.warn_one(), "it was not asked yet"
    assert not asked_and_warned(idle)
    assert provisioner.asked == 1
    used_at = clock.now() - timedelta(seconds=20)
    beat = services.presence.heartbeat(alice, ready)
    assert beat.idle_ends_at == used_at + timedelta(minutes=10)
    clock.step(minutes=9)
    provisioner.ago = timedelta(minutes=9, seconds=20)
    assert asked_and_warned(idle)
    clock.step(minutes=1)
    provisioner.ago = timedelta(minutes=10, seconds=20)
    assert asked_and_stopped(idle)
    assert provisioner.asked == 3, "before the warning and before the end, not again and again"


def test_input_between_the_warning_and_the_end_saves_the_desktop(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str, clock: SteppingClock
) -> None:
    provisioner = UsedProvisioner(node)
    provisioner.ago = None
    idle = make_worker(provisioner).idle
    clock.step(minutes=8)
    assert asked_and_warned(idle)
    clock.step(minutes=2)
    assert not idle.stop_some(), "it has to be asked again first"
    provisioner.ago = timedelta(seconds=1)
    assert not asked_and_stopped(idle)
    idle.forgive()
    assert row(services, ready).idle_warned_at is None


def test_a_desktop_that_does_not_answer_is_not_called_idle(
    services: Services, make_worker: MakeWorker, node: FakeNode, ready: str, clock: SteppingClock
) -> None:
    class SilentProvisioner(UsedProvisioner):
        def since_input(self, address: str, ssh_host_key_sha256: str) -> timedelta | None:
            super().since_input(address, ssh_host_key_sha256)
            raise OutsideFailed("ssh got no answer", retry=True)

    provisioner = SilentProvisioner(node)
    idle = make_worker(provisioner).idle
    for _ in range(12):
        clock.step(minutes=2)
        assert not asked_and_stopped(idle)
    assert provisioner.asked == 5, "once at a time, from the warning on, and less and less often"
    assert row(services, ready).state == State.READY


# -- the closed page --------------------------------------------------------------------------


def test_closing_the_page_ends_the_desktop_if_the_person_chose_so(
    services: Services, alice: Actor, make_worker: MakeWorker, ready: str, clock: SteppingClock
) -> None:
    services.presence.choose_end_on_close(alice, ready, wanted=True)
    services.presence.left(alice, ready)
    clock.step(seconds=19)
    assert not make_worker().idle.stop_some()
    clock.step(seconds=1)
    assert make_worker().idle.stop_some()
    assert row(services, ready).end_reason == EndReason.ASKED


def test_without_that_choice_closing_the_page_changes_nothing(
    services: Services, alice: Actor, make_worker: MakeWorker, ready: str, clock: SteppingClock
) -> None:
    services.presence.left(alice, ready)
    clock.step(minutes=1)
    assert not make_worker().idle.stop_some()


@pytest.mark.parametrize("sign", ["heartbeat", "connection"])
def test_a_page_that_comes_back_keeps_its_desktop(
    services: Services,
    alice: Actor,
    make_worker: MakeWorker,
    ready: str,
    signed_in: int,
    clock: SteppingClock,
    sign: str,
) -> None:
    services.presence.choose_end_on_close(alice, ready, wanted=True)
    services.presence.left(alice, ready)
    clock.step(seconds=5)
    if sign == "heartbeat":
        services.presence.heartbeat(alice, ready)
    else:
        connect(services, alice, ready, signed_in)
    clock.step(seconds=30)
    assert not make_worker().idle.stop_some()


def test_presence_is_the_owner_s_alone(
    services: Services, bob: Actor, root: Actor, ready: str
) -> None:
    for stranger in (bob, root):
        for ask in (services.presence.heartbeat, services.presence.left):
            with pytest.raises(NotFound):
                ask(stranger, ready)
        with pytest.raises(NotFound):
            services.presence.choose_end_on_close(stranger, ready, wanted=True)


def test_a_heartbeat_tells_the_times(
    services: Services, alice: Actor, ready: str, clock: SteppingClock
) -> None:
    beat = services.presence.heartbeat(alice, ready)
    assert beat.deadline_at == clock.now() + timedelta(minutes=30)
    assert beat.idle_ends_at == clock.now() + timedelta(minutes=10)
    assert (beat.state, beat.is_idle_soon, beat.end_on_close) == (State.READY, False, False)
