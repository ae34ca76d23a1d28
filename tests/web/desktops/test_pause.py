"""Pausing and resuming on the pages: confirmed first, described correctly, offered where
allowed."""

import pytest

from tests.portal import SteppingClock
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.states import State
from webapp.services.audit.record import SYSTEM, Actor

DAY = 24 * 60


@pytest.fixture
def alices(browse: Browse, alice: Actor) -> Browser:
    return browse("alice")


@pytest.fixture
def pausable(services: Services, ready: str) -> str:
    """Alice's ready desktop, of a template whose paused desktops are kept for a day."""
    services.catalogue.change(SYSTEM, "xfce", {"max_pause_minutes": DAY})
    return ready


@pytest.fixture
def paused(services: Services, alice: Actor, pausable: str, worker: WorkerServices) -> str:
    services.pauses.pause(alice, pausable)
    assert worker.pauser.pause_one()
    return pausable


def test_pause_asks_first_and_says_what_ends_and_what_is_kept(
    alices: Browser, services: Services, pausable: str
) -> None:
    assert f'href="/desktops/{pausable}/pause"' in alices.get(f"/desktops/{pausable}").text
    question = alices.sees(f"/desktops/{pausable}/pause")
    assert f"Pause {pausable}?" in question
    assert "programs are closed, and unsaved work in them is lost" in question
    assert "Its files and its remaining time are kept" in question
    assert "Tue 3 Mar, 09:00 UTC" in question
    assert row(services, pausable).state == State.READY
    answer = alices.post(f"/desktops/{pausable}/pause")
    assert answer.headers["Location"] == f"/desktops/{pausable}"
    page = alices.sees(f"/desktops/{pausable}")
    assert "Your desktop is being paused" in page
    assert "Shutting the machine down" in page


def test_where_it_is_not_allowed_it_is_not_offered(
    alices: Browser, services: Services, ready: str
) -> None:
    for path in ("/", f"/desktops/{ready}"):
        assert f"/desktops/{ready}/pause" not in alices.get(path).text
    assert alices.get(f"/desktops/{ready}/pause").status_code == 303
    alices.post(f"/desktops/{ready}/pause")
    assert "cannot be paused" in alices.sees(f"/desktops/{ready}")
    assert row(services, ready).state == State.READY


def test_a_paused_desktop_tells_how_long_it_is_kept_and_offers_to_resume(
    alices: Browser, services: Services, paused: str, worker: WorkerServices, clock: SteppingClock
) -> None:
    clock.step(hours=3)
    page = alices.sees(f"/desktops/{paused}")
    for part in (
        "Your desktop is paused",
        "Its remaining time is kept",
        "30:00 left",
        "It is kept until Tue 3 Mar, 09:00 UTC",
        "Paused, files kept",
    ):
        assert part in page, part
    for part in ("Password", "Download .rdp", "Open in browser", "Extend by"):
        assert part not in page, part
    answer = alices.post(f"/desktops/{paused}/resume")
    assert answer.headers["Location"] == f"/desktops/{paused}"
    page = alices.sees(f"/desktops/{paused}")
    assert "Your desktop is being resumed" in page
    assert "Starting the machine" in page
    assert worker.resumer.resume_one()
    page = alices.sees(f"/desktops/{paused}")
    assert "Your desktop is ready" in page
    assert "Ready again" in page


def test_home_has_it_first_with_resume(alices: Browser, services: Services, paused: str) -> None:
    page = alices.sees("/")
    assert "Paused" in page
    assert "kept until Tue 3 Mar, 09:00 UTC" in page
    assert "You have one paused, 30:00 left" in page
    answer = alices.post(f"/desktops/{paused}/resume", back="home")
    assert answer.headers["Location"] == "/"
    assert row(services, paused).state == State.RESUMING
    assert "Your desktop is being resumed" in alices.sees("/")


def test_stopping_a_paused_one_names_what_is_lost(alices: Browser, paused: str) -> None:
    question = alices.sees(f"/desktops/{paused}/stop")
    assert "Its files are erased." in question


def test_a_reached_limit_offers_to_resume_it(
    alices: Browser, services: Services, paused: str
) -> None:
    services.catalogue.change(SYSTEM, "xfce", {"max_per_person": 1})
    page = alices.get("/")
    assert f'formaction="/desktops/{paused}/resume"' in page.text
    assert "Its files are erased." in words(page)


@pytest.mark.parametrize("path", ["desktop.rdp", "password"])
def test_credentials_say_that_it_is_paused(alices: Browser, paused: str, path: str) -> None:
    url = f"/desktops/{paused}/{path}"
    answer = alices.get(url) if path == "desktop.rdp" else alices.post(url)
    assert answer.status_code == 409
    assert "is paused, so it cannot be opened" in words(answer)
    assert "Resume it first" in words(answer)


def test_one_that_could_not_be_resumed_says_that_nothing_is_lost(
    alices: Browser, services: Services, alice: Actor, paused: str, worker: WorkerServices
) -> None:
    with services.db.begin() as session:
        session.merge(row(services, paused)).failure_reason = "not_resumed"
    assert "It could not be resumed. Nothing in it is lost" in alices.sees(f"/desktops/{paused}")


def test_one_that_was_kept_for_too_long_says_so(
    alices: Browser, services: Services, paused: str, worker: WorkerServices, clock: SteppingClock
) -> None:
    clock.step(minutes=DAY)
    assert services.pauses.expire_some()
    assert worker.teardown.teardown_one()
    alices.sign_in("alice")
    assert "It was paused for longer than paused desktops are kept." in alices.sees(
        f"/desktops/{paused}"
    )


def test_administrators_find_pause_and_resume_it(
    browse: Browse, services: Services, root: Actor, pausable: str, worker: WorkerServices
) -> None:
    admin = browse("root")
    assert f"Pause {pausable}?" in admin.sees(f"/admin/desktops/{pausable}/pause")
    admin.post(f"/admin/desktops/{pausable}/pause")
    assert worker.pauser.pause_one()
    listed = admin.sees("/admin/desktops/?state=paused")
    assert pausable in listed
    assert "Paused 1" in listed
    page = admin.sees(f"/admin/desktops/{pausable}")
    assert "Kept until" in page
    admin.post(f"/admin/desktops/{pausable}/resume")
    assert row(services, pausable).state == State.RESUMING


def test_the_view_pauses_hears_of_it_and_resumes(
    alices: Browser, services: Services, pausable: str, worker: WorkerServices
) -> None:
    assert "data-view-pause-dialog" in alices.get(f"/desktops/{pausable}/view").text
    url = f"/desktops/{pausable}/view"
    assert alices.post(f"{url}/pause").get_json()["state"] == "pausing"
    assert worker.pauser.pause_one()
    refused = alices.post(f"{url}/ticket")
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "paused")
    assert alices.post(f"{url}/resume").get_json()["state"] == "resuming"
    assert worker.resumer.resume_one()
    assert alices.post(f"{url}/heartbeat").get_json()["state"] == "ready"
    assert alices.post(f"{url}/ticket").status_code == 200


def test_a_second_desktop_is_not_touched(
    alices: Browser, services: Services, alice: Actor, paused: str, worker: WorkerServices
) -> None:
    second = launch(services, alice)
    assert worker.builder.build_one()
    alices.post(f"/desktops/{paused}/resume")
    assert row(services, second).state == State.READY
