"""One greedy person and other people: reservations, the rate of launches, and the order of
turns."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import PASSWORD, SteppingClock, make_environment, publish_template
from tests.refusals import refuses
from tests.worker.life import launch, row
from webapp import bootstrap_worker
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.bootstrap_worker import WorkerServices
from webapp.config import load
from webapp.domain.desktops.launch_limits import LimitReached
from webapp.domain.errors import Refused, TooMany
from webapp.domain.states import State
from webapp.models import AddressReservation, Desktop
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.texts.sentences import sentence


def site(folder: Path, clock: SteppingClock, **settings: str) -> Services:
    services = build_services(load(make_environment(folder, **settings)), clock=clock)
    migration.migrate(services.db)
    publish_template(services)
    return services


def person(services: Services, name: str) -> Actor:
    return Actor(services.accounts.add_person(SYSTEM, name, PASSWORD))


def worker_of(services: Services) -> WorkerServices:
    node = FakeNode()
    return bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=FakeProvisioner(node), hypervisor=node
    )


def held_addresses(services: Services) -> int:
    with services.db.read() as session:
        return session.scalar(select(func.count()).select_from(AddressReservation)) or 0


@pytest.fixture
def services(tmp_path: Path, clock: SteppingClock) -> Services:
    return site(tmp_path, clock, WINUX_MAX_DESKTOPS="3")


@pytest.fixture
def greedy(services: Services) -> Actor:
    return person(services, "greedy")


def test_launch_and_stop_holds_no_more_than_the_limit(services: Services, greedy: Actor) -> None:
    refusals = []
    for _ in range(8):
        try:
            services.lifetime.stop(greedy, launch(services, greedy))
        except LimitReached as refused:
            refusals.append(refused)
    assert held_addresses(services) == 3
    assert len(refusals) == 5
    assert "You have 0 of 3 desktops. 3 are still stopping." in sentence(refusals[0])
    assert refusals[0].suggested_actions == ()


def test_what_is_gone_counts_no_more(services: Services, greedy: Actor) -> None:
    for _ in range(3):
        services.lifetime.stop(greedy, launch(services, greedy))
    worker = worker_of(services)
    assert worker.teardown.teardown_one()
    launch(services, greedy)
    with refuses(LimitReached, match="2 are still stopping"):
        launch(services, greedy)


def test_making_room_again_and_again_takes_one_more_at_most(
    services: Services, greedy: Actor
) -> None:
    for _ in range(3):
        launch(services, greedy)
    services.launcher.launch(greedy, LaunchRequest(make_room="close_oldest"))
    with refuses(LimitReached, match=r"You have 3 of 3 desktops\. 1 is still stopping\."):
        services.launcher.launch(greedy, LaunchRequest(make_room="close_oldest"))
    assert held_addresses(services) == 4


def test_launches_have_a_rate_that_lets_a_double_start_pass(
    tmp_path: Path, clock: SteppingClock
) -> None:
    services = site(tmp_path, clock, WINUX_LAUNCH_BURST="4", WINUX_LAUNCHES_PER_HOUR="60")
    actor, worker = person(services, "hasty"), worker_of(services)
    launch(services, actor)
    launch(services, actor)  # a duplicate launch
    for _ in range(2):
        services.launcher.launch(actor, LaunchRequest())
        for public_id in live(services, actor):
            services.lifetime.stop(actor, public_id)
        while worker.teardown.teardown_one():
            pass
    with refuses(TooMany, match="next one in") as refused:
        launch(services, actor)
    assert refused.value.reason == "launch_rate"
    clock.step(seconds=refused.value.retry_after.total_seconds())
    launch(services, actor)
    with pytest.raises(TooMany):
        launch(services, actor)


def live(services: Services, actor: Actor) -> list[str]:
    return [
        one.public_id
        for one in services.reports.live_desktops(actor.person_id or 0)
        if one.state is not State.STOPPING
    ]


@pytest.mark.parametrize(
    "scarce",
    [
        {"WINUX_VMID_LAST": "30010"},
        {"WINUX_ADDRESS_LAST": "10.203.0.73"},
        {"WINUX_MAX_DESKTOPS_TOTAL": "10"},
    ],
    ids=["VM ids", "addresses", "places"],
)
def test_the_last_ones_are_kept_for_people_who_have_none(
    tmp_path: Path, clock: SteppingClock, scarce: dict[str, str]
) -> None:
    services = site(tmp_path, clock, WINUX_MAX_DESKTOPS="50", WINUX_LAUNCH_BURST="99", **scarce)
    greedy, honest = person(services, "greedy"), person(services, "honest")
    for _ in range(9):
        launch(services, greedy)
    with refuses(Refused, match="kept for people who have no desktop") as refused:
        launch(services, greedy)
    assert refused.value.reason == "reserved"
    assert held_addresses(services) == 9
    launch(services, honest)


def test_builds_take_turns_however_many_one_person_asks_for(
    tmp_path: Path, clock: SteppingClock
) -> None:
    """One after another, so that only the order of turns matters."""
    services = site(tmp_path, clock, WINUX_MAX_DESKTOPS="20", WINUX_LAUNCH_BURST="99")
    worker, greedy = worker_of(services), person(services, "greedy")
    for _ in range(10):
        launch(services, greedy)
        clock.step(seconds=1)
    assert worker.builder.build_one()
    honest = []
    for number in range(9):
        honest.append(launch(services, person(services, f"honest{number}")))
        clock.step(seconds=1)
    turns = []
    while worker.builder.build_one():
        turns.append(newest_ready(services))
        clock.step(seconds=1)
    assert turns[:9] == honest
    assert len(turns) == 18


def newest_ready(services: Services) -> str:
    with services.db.read() as session:
        newest = select(Desktop.public_id).order_by(Desktop.ready_at.desc()).limit(1)
        return session.scalar(newest.where(Desktop.ready_at.is_not(None))) or ""


def test_teardowns_take_turns_too(tmp_path: Path, clock: SteppingClock) -> None:
    services = site(tmp_path, clock, WINUX_MAX_DESKTOPS="20", WINUX_LAUNCH_BURST="99")
    worker, greedy, honest = worker_of(services), person(services, "greedy"), person(services, "h")
    many = [launch(services, greedy) for _ in range(5)]
    one = launch(services, honest)
    for public_id in many:
        services.lifetime.stop(greedy, public_id)
        clock.step(seconds=1)
    assert worker.teardown.teardown_one()
    services.lifetime.stop(honest, one)
    clock.step(seconds=1)
    assert worker.teardown.teardown_one()
    assert row(services, one).state is State.ENDED
    assert [row(services, each).state for each in many].count(State.ENDED) == 1


def test_who_waits_shows_the_place_of_the_turn(tmp_path: Path, clock: SteppingClock) -> None:
    services = site(tmp_path, clock, WINUX_MAX_DESKTOPS="20", WINUX_LAUNCH_BURST="99")
    worker, greedy = worker_of(services), person(services, "greedy")
    for _ in range(4):
        launch(services, greedy)
    assert worker.builder.build_one()
    clock.step(seconds=5)
    public_id = launch(services, person(services, "honest"))
    waiting = services.queue_positions.of(row(services, public_id))
    assert waiting
    assert waiting.place == 1
