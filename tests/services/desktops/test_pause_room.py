"""Paused desktops use no memory, and a resume needs memory on its node."""

from pathlib import Path

import pytest
from sqlalchemy import update

from tests.portal import SteppingClock, make_environment, publish_template
from tests.refusals import refuses
from tests.services.desktops.test_gate import see_node
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.config import Config, load
from webapp.domain.errors import TooMany
from webapp.domain.states import State
from webapp.models import Desktop, Node
from webapp.services.audit.record import Actor


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_WHEN_FULL="refuse"))


def stand(services: Services, public_id: str, state: State, **values: object) -> None:
    with services.db.begin() as session:
        is_it = Desktop.public_id == public_id
        session.execute(update(Desktop).where(is_it).values(state=state, node="lab", **values))


@pytest.fixture
def paused(services: Services, alice: Actor, clock: SteppingClock) -> str:
    publish_template(services, max_pause_minutes=60)
    public_id = launch(services, alice)
    now = clock.now()
    stand(services, public_id, State.PAUSED, ready_at=now, deadline_at=now, paused_at=now)
    return public_id


def fits(services: Services) -> int | None:
    (gate,) = services.capacity.gates().values()
    return gate.fits


def test_a_paused_desktop_takes_no_memory_and_one_that_resumes_does(
    services: Services, paused: str, clock: SteppingClock
) -> None:
    see_node(services, 2600)
    assert fits(services) == 2
    stand(services, paused, State.RESUMING, worked_until=clock.now(), worked_by="worker")
    assert fits(services) == 1
    stand(services, paused, State.READY, resumed_at=clock.now(), worked_by=None)
    assert fits(services) == 1, "what was resumed just now was not seen on the node yet"


def test_a_resume_without_memory_is_refused_where_the_site_wants_it(
    services: Services, alice: Actor, paused: str
) -> None:
    see_node(services, 1000)
    with refuses(TooMany, match="no memory for it right now") as refused:
        services.pauses.resume(alice, paused)
    assert refused.value.reason == "no_room"
    assert row(services, paused).state == State.PAUSED
    with services.db.begin() as session:
        session.execute(update(Node).values(free_mb=4000))
    services.pauses.resume(alice, paused)
    assert row(services, paused).state == State.RESUMING
