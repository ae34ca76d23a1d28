"""My desktops: current and ended ones."""

from tests.portal import SteppingClock
from tests.web.conftest import Browse
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.services.audit.record import Actor


def live_once(
    services: Services, actor: Actor, worker: WorkerServices, clock: SteppingClock
) -> str:
    public_id = launch(services, actor)
    clock.step(seconds=6)
    worker.builder.build_one()
    clock.step(minutes=10)
    services.lifetime.stop(actor, public_id)
    worker.teardown.teardown_one()
    return public_id


def test_an_ended_desktop_stays_with_its_reason_and_times(
    services: Services,
    alice: Actor,
    xfce: str,
    worker: WorkerServices,
    clock: SteppingClock,
    browse: Browse,
) -> None:
    public_id = live_once(services, alice, worker, clock)
    page = browse("alice").sees("/desktops/")
    for part in (public_id, "Ended", "6.0 s", "10 min", "You stopped it."):
        assert part in page


def test_long_histories_come_in_pages(
    services: Services,
    alice: Actor,
    xfce: str,
    worker: WorkerServices,
    clock: SteppingClock,
    browse: Browse,
) -> None:
    ids = [live_once(services, alice, worker, clock) for _ in range(27)]
    browser = browse("alice")
    first, second = browser.sees("/desktops/"), browser.sees("/desktops/?page=2")
    assert ids[-1] in first
    assert ids[0] not in first
    assert ids[0] in second
    assert ids[-1] not in second
    assert "1–25 of 27" in first
    assert "26–27 of 27" in second
    for odd in ("0", "-1", "99", "x", "1e3", "9" * 50):
        assert browser.get(f"/desktops/?page={odd}").status_code == 200


def test_nothing_yet_is_a_state_of_its_own(browse: Browse, alice: Actor) -> None:
    assert "No desktops yet" in browse("alice").sees("/desktops/")


def test_a_list_that_does_not_move_is_not_asked_for_again(
    services: Services,
    alice: Actor,
    xfce: str,
    worker: WorkerServices,
    clock: SteppingClock,
    browse: Browse,
) -> None:
    live_once(services, alice, worker, clock)
    browser = browse("alice")
    assert browser.live("/desktops/live").headers["X-Live-Seconds"] == "0"
    launch(services, alice)
    assert browser.live("/desktops/live").headers["X-Live-Seconds"] == "5"


def test_an_administrators_history_is_their_own(browse: Browse, root: Actor, ready: str) -> None:
    assert ready not in browse("root").get("/desktops/").text
