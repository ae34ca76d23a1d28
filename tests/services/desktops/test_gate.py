"""Launches of a failing template, and launches beyond the capacity of the nodes."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.portal import SteppingClock, make_environment, publish_template
from tests.refusals import refuses
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.domain.errors import TooMany
from webapp.domain.provisioning.clone_queue import BAD_INPUT, LOCKED, UNREACHABLE
from webapp.domain.states import State
from webapp.models import Desktop, Node, Template
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest


def fail(
    services: Services, *minutes_ago: float, reason: str | None = None, owner: Actor | None = None
) -> None:
    """Builds of the template that failed this long ago, of a person or of the pool."""
    now = services.clock.now()
    with services.db.begin() as session:
        template = session.scalars(select(Template).where(Template.name == "xfce")).one()
        for number, minutes in enumerate(minutes_ago):
            at = now - timedelta(minutes=minutes)
            session.add(
                Desktop(
                    public_id=f"desktop-{at:%H%M%S}{number:02}",
                    template=template,
                    owner_id=owner.person_id if owner else None,
                    state=State.ENDED,
                    state_at=at,
                    created_at=at,
                    build_started_at=at,
                    failed_at=at,
                    failure="The storage is full.",
                    failure_reason=reason,
                    minutes=30,
                    rdp_username="desktop",
                    keyboard_layout="us",
                )
            )


@pytest.fixture(autouse=True)
def _published_long_ago(services: Services, xfce: str, clock: SteppingClock) -> None:
    clock.step(hours=5)


def test_three_failures_in_a_row_stop_launches_and_say_until_when(
    services: Services, alice: Actor
) -> None:
    fail(services, 1, 2)
    launch(services, alice)
    fail(services, 0.5)
    with refuses(TooMany, match=r"XFCE failed several times.*in 5 min") as told:
        launch(services, alice)
    assert told.value.reason == "resting"


def test_other_templates_go_on(services: Services, alice: Actor) -> None:
    publish_template(services, "mate")
    fail(services, 1, 2, 3)
    services.launcher.launch(alice, LaunchRequest(template="mate"))


def test_after_the_rest_one_may_try_and_the_next_one_waits_for_that(
    services: Services, alice: Actor, bob: Actor, clock: SteppingClock
) -> None:
    fail(services, 1, 2, 3)
    clock.step(minutes=5)
    trial = launch(services, alice)
    with refuses(TooMany, match="being tried again right now"):
        launch(services, bob)
    with services.db.begin() as session:
        session.execute(
            update(Desktop)
            .where(Desktop.public_id == trial)
            .values(state=State.READY, ready_at=clock.now())
        )
    launch(services, bob)


def test_a_cancelled_trial_leaves_the_next_one_free(
    services: Services, alice: Actor, bob: Actor, clock: SteppingClock
) -> None:
    fail(services, 1, 2, 3)
    clock.step(minutes=5)
    services.lifetime.stop(alice, launch(services, alice))
    launch(services, bob)


def test_one_person_whose_launches_fail_stops_nobody_else(
    services: Services, alice: Actor, bob: Actor
) -> None:
    fail(services, 1, 2, 3, 4, 5, owner=alice)
    launch(services, bob)
    with refuses(TooMany, match="failed for you"):
        launch(services, alice)


@pytest.mark.parametrize("reason", [LOCKED, UNREACHABLE, BAD_INPUT])
def test_what_is_the_sites_or_the_persons_fault_is_not_the_templates(
    services: Services, alice: Actor, reason: str
) -> None:
    fail(services, 1, 2, 3, reason=reason)
    launch(services, alice)


def test_publishing_it_anew_and_an_admin_try_it_at_once(
    services: Services, alice: Actor, root: Actor
) -> None:
    fail(services, 1, 2, 3)
    services.launcher.launch(root, LaunchRequest())
    services.catalogue.publish(root, "xfce", 29001, "2", {})
    launch(services, alice)


def see_node(services: Services, free_mb: int | None) -> None:
    with services.db.begin() as session:
        session.add(
            Node(
                name="lab",
                seen_at=services.clock.now(),
                is_online=True,
                memory_mb=8192,
                free_mb=free_mb,
            )
        )


class TestCapacity:
    """A node with room for two desktops of 1024 MB, which keeps 512 MB free."""

    @pytest.fixture(autouse=True)
    def _seen(self, services: Services) -> None:
        see_node(services, 2600)

    def test_about_as_many_more_fit_as_the_memory_holds(
        self, services: Services, alice: Actor
    ) -> None:
        (gate,) = services.capacity.gates().values()
        assert gate.fits == 2
        launch(services, alice)
        (gate,) = services.capacity.gates().values()
        assert gate.fits == 1

    def test_what_was_measured_counts_and_not_what_is_allowed(self, services: Services) -> None:
        with services.db.begin() as session:
            session.execute(update(Template).values(memory_used_mb=300))
        (gate,) = services.capacity.gates().values()
        assert gate.fits == 6

    def test_launches_beyond_it_wait(self, services: Services, alice: Actor, bob: Actor) -> None:
        for actor in (alice, alice, bob):
            launch(services, actor)
        (gate,) = services.capacity.gates().values()
        assert gate.fits == 0


class TestRefusing(TestCapacity):
    """The same site, configured to refuse launches beyond its capacity."""

    @pytest.fixture
    def config(self, tmp_path):  # type: ignore[no-untyped-def]  # as in tests.portal
        from webapp.config import load

        return load(make_environment(tmp_path, WINUX_WHEN_FULL="refuse"))

    def test_launches_beyond_it_wait(self, services: Services, alice: Actor, bob: Actor) -> None:
        """Not here."""
        launch(services, alice)
        launch(services, alice)
        with refuses(TooMany, match="no room for another desktop") as told:
            launch(services, bob)
        assert told.value.reason == "no_room"


def test_where_memory_cannot_be_seen_nothing_is_limited_by_it(
    services: Services, alice: Actor
) -> None:
    see_node(services, None)
    (gate,) = services.capacity.gates().values()
    assert gate.fits is None
    launch(services, alice)
