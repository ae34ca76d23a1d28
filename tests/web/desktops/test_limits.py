"""A reached limit and a running desktop: what the launch page offers instead."""

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.portal import SteppingClock, publish_template
from tests.warm import add_warm
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import row
from webapp.bootstrap import Services
from webapp.domain.states import State
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def alices(browse: Browse, alice: Actor, xfce: str) -> Browser:
    return browse("alice")


@pytest.fixture
def three(services: Services, alice: Actor, xfce: str, clock: SteppingClock) -> list[str]:
    """Alice's maximum: the oldest desktop runs, the others are being built."""
    add_warm(services, 1)
    ids = []
    for _ in range(3):
        ids.append(services.launcher.launch(alice, LaunchRequest()))
        clock.step(minutes=5)
    return ids


def press(browser: Browser, page: TestResponse, label: str, number: int = 0) -> TestResponse:
    """Press a button of the form on the limit page, like a browser without JavaScript."""
    form = re.findall(r'(?s)<form[^>]*class="ways".*?</form>', page.text)[0]
    fields = {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', form)
    }
    buttons = re.findall(
        r'(?s)<button[^>]*name="(\w+)"\s+value="([^"]*)"[^>]*>(.*?)</button>', form
    )
    name, value, _ = [one for one in buttons if label in one[2]][number]
    return browser.client.post("/desktops/", data={**fields, name: value}, buffered=True)


def test_before_the_click_the_page_says_what_runs_and_the_ways_out(
    alices: Browser, three: list[str]
) -> None:
    page = alices.sees("/")
    assert "You have 3 of 3 desktops" in page
    assert f"{three[0]} · 15 min old" in page
    for label in ("Open the running one", "Stop the oldest and launch", "Stop it and launch"):
        assert (label in page) == (label != "Open the running one"), label
    assert f"Stops {three[0]}, 15 min old. Unsaved files in it are lost." in page
    assert "Launch desktop" not in page


def test_a_refused_click_offers_the_running_one_first(alices: Browser, three: list[str]) -> None:
    answer = alices.post("/desktops/", template="xfce", minutes="60", keyboard_layout="pl")
    assert answer.status_code == 409
    page = words(answer)
    assert "Open the running one" in page
    assert "No desktop is stopped or launched." in page
    assert f'href="/desktops/{three[0]}/view"' in answer.text


def test_the_oldest_is_stopped_and_the_choices_are_kept(
    alices: Browser, services: Services, alice: Actor, three: list[str]
) -> None:
    refused = alices.post("/desktops/", template="xfce", minutes="60", keyboard_layout="pl")
    answer = press(alices, refused, "Stop the oldest and launch")
    new = answer.headers["Location"].rpartition("/")[2]
    assert (answer.status_code, new in three) == (303, False)
    assert row(services, three[0]).state == State.STOPPING
    assert {row(services, one).state for one in three[1:]} == {State.QUEUED}
    assert (row(services, new).minutes, row(services, new).keyboard_layout) == (60, "pl")


def test_that_one_is_stopped_and_a_second_press_does_nothing_more(
    alices: Browser, services: Services, three: list[str]
) -> None:
    page = alices.get("/")
    first = press(alices, page, "Stop it and launch", 1)
    again = press(alices, page, "Stop it and launch", 1)
    assert first.headers["Location"] == again.headers["Location"]
    assert [row(services, one).state for one in three] == [
        State.READY,
        State.STOPPING,
        State.QUEUED,
    ]


def test_without_the_pages_token_nothing_is_stopped(
    alices: Browser, services: Services, three: list[str]
) -> None:
    answer = alices.client.post(
        "/desktops/", data={"template": "xfce", "make_room": "close_oldest"}, buffered=True
    )
    assert answer.status_code == 400
    assert row(services, three[0]).state == State.READY


def test_somebody_elses_desktop_cannot_be_closed(
    browse: Browse, services: Services, bob: Actor, three: list[str]
) -> None:
    bobs = browse("bob")
    for _ in range(3):
        services.launcher.launch(bob, LaunchRequest())
    for way in (f"close_session:{three[0]}", "close_session:desktop-00000000"):
        assert bobs.post("/desktops/", template="xfce", make_room=way).status_code == 409
    assert bobs.post("/desktops/", template="xfce", make_room="nonsense").status_code == 400
    assert row(services, three[0]).state == State.READY


def test_with_several_templates_the_new_one_is_chosen_there(
    alices: Browser, services: Services, three: list[str]
) -> None:
    publish_template(services, "mate", vmid=29002)
    page = alices.get("/")
    assert re.findall(r'<option value="(\w+)">', page.text)[:2] == ["mate", "xfce"]


def test_the_card_says_that_one_runs_and_how_long(
    alices: Browser, services: Services, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    (warm,) = add_warm(services)
    services.launcher.launch(alice, LaunchRequest())
    clock.step(minutes=18)
    page = alices.get("/")
    assert "You have one running, 12:00 left" in words(page)
    assert page.text.count(f'href="/desktops/{warm}/view"') == 2  # above, and on the card
    assert "Launch another" in words(page)


def test_the_card_leads_to_one_that_is_being_made(
    alices: Browser, services: Services, alice: Actor, xfce: str
) -> None:
    services.launcher.launch(alice, LaunchRequest())
    page = alices.sees("/")
    assert "One is being made for you." in page
    assert "See progress" in page


def test_the_card_says_when_it_is_ready_at_once(
    alices: Browser, services: Services, xfce: str
) -> None:
    assert "ready at once" not in alices.sees("/")
    add_warm(services)
    assert "ready at once" in alices.sees("/")


def test_a_templates_own_limit_is_on_its_card_and_the_others_can_be_launched(
    alices: Browser, services: Services, alice: Actor, xfce: str
) -> None:
    publish_template(services, "mate", vmid=29002)
    services.catalogue.change(SYSTEM, "xfce", {"max_per_person": 1})
    running = services.launcher.launch(alice, LaunchRequest(template="xfce"))
    page = alices.get("/")
    assert "You have 1 of 1 XFCE desktops" in words(page)
    assert "Launch desktop" in words(page)  # MATE's
    refused = alices.post("/desktops/", template="xfce")
    assert refused.status_code == 409
    answer = press(alices, refused, "Stop it and launch")
    assert answer.status_code == 303
    assert row(services, running).state == State.STOPPING


def test_asking_to_reuse_leads_to_the_running_one(
    alices: Browser, services: Services, alice: Actor, xfce: str
) -> None:
    running = services.launcher.launch(alice, LaunchRequest())
    answer = alices.post("/desktops/", template="xfce", reuse="1")
    assert answer.headers["Location"] == f"/desktops/{running}"
