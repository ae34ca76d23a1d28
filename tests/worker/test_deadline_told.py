"""The deadline that a desktop gets when the clock changes during a run that sends it."""

from collections.abc import Callable

import pytest

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import SteppingClock, publish_template
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch, row
from tests.worker.test_assign import ANNA, build_for_pool
from webapp.bootstrap import Services
from webapp.domain.states import State
from webapp.ports import BuildOrder
from webapp.services.audit.record import Actor


class ClockSetter(FakeProvisioner):
    """Changes the clock by this many seconds during a run that sends a deadline."""

    def __init__(self, node: FakeNode, clock: SteppingClock, seconds: float) -> None:
        super().__init__(node)
        self._clock = clock
        self._seconds = seconds

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment == "after":
            self._clock.step(seconds=self._seconds)

    def at_assign(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        if step == "desktop_verify":
            self._clock.step(seconds=self._seconds)

    def at_resume(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        if step == "desktop_resume":
            self._clock.step(seconds=self._seconds)


@pytest.fixture(params=[-45, 45], ids=["set back", "set ahead"])
def setter(request: pytest.FixtureRequest, node: FakeNode, clock: SteppingClock) -> ClockSetter:
    return ClockSetter(node, clock, request.param)


def tell(make_worker: MakeWorker, services: Services, setter: ClockSetter, public_id: str) -> None:
    desktop = row(services, public_id)
    assert (desktop.state, setter.told) == (State.READY, [])
    make_worker(setter).deadline_sender.send_deadline_one()
    assert [deadline for _, _, deadline in setter.told] == [desktop.deadline_at]


@pytest.mark.usefixtures("xfce")
def test_a_build(
    services: Services, alice: Actor, make_worker: MakeWorker, setter: ClockSetter
) -> None:
    public_id = launch(services, alice)
    make_worker(setter).builder.build_one()
    tell(make_worker, services, setter, public_id)


@pytest.mark.usefixtures("xfce")
def test_an_assignment(
    services: Services, alice: Actor, make_worker: MakeWorker, node: FakeNode, setter: ClockSetter
) -> None:
    public_id = build_for_pool(services, FakeProvisioner(node), make_worker)
    assert services.launcher.launch(alice, ANNA) == public_id
    make_worker(setter).assigner.assign_one()
    tell(make_worker, services, setter, public_id)


def test_a_resumption(
    services: Services, alice: Actor, make_worker: MakeWorker, setter: ClockSetter
) -> None:
    publish_template(services, max_pause_minutes=60)
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    services.pauses.pause(alice, public_id)
    make_worker().pauser.pause_one()
    services.pauses.resume(alice, public_id)
    make_worker(setter).resumer.resume_one()
    tell(make_worker, services, setter, public_id)
