"""Only the owner of a ready desktop gets its credentials."""

import pytest

from tests.portal import SteppingClock
from tests.refusals import refuses
from webapp.bootstrap import Services
from webapp.domain.errors import NotFound, Refused
from webapp.domain.states import Event, advance
from webapp.models import Desktop
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def ready(services: Services, alice: Actor, xfce: str, clock: SteppingClock) -> str:
    public_id = services.launcher.launch(alice, LaunchRequest())
    with services.db.begin() as session:
        desktop = session.query(Desktop).filter_by(public_id=public_id).one()
        advance(desktop, Event.BUILD_STARTED, clock.now())
        advance(desktop, Event.BUILT, clock.now())
    return public_id


def test_the_owner_sees_the_password_and_it_is_audited(
    services: Services, alice: Actor, ready: str
) -> None:
    seen = services.credentials.reveal(alice, ready)
    assert (len(seen.password), seen.target.username) == (20, "desktop")
    entry, name = services.reports.activity(ready)[0]
    assert (entry.action, name) == ("desktop.reveal_password", "alice")
    assert seen.password not in entry.detail


def test_nobody_else_sees_it_not_even_an_admin(
    services: Services, bob: Actor, root: Actor, ready: str
) -> None:
    for stranger in (bob, root):
        with pytest.raises(NotFound):
            services.credentials.reveal(stranger, ready)
        with pytest.raises(NotFound):
            services.credentials.target(stranger, ready)


def test_before_it_is_ready_there_is_nothing_to_see(
    services: Services, alice: Actor, xfce: str
) -> None:
    public_id = services.launcher.launch(alice, LaunchRequest())
    with refuses(Refused, match="is queued"):
        services.credentials.reveal(alice, public_id)
