"""Home and *Launch desktop*."""

import re

import pytest

from tests.portal import SteppingClock, publish_template
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import row
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import WorkerBeat
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def alices(browse: Browse, alice: Actor, xfce: str) -> Browser:
    return browse("alice")


def launched(services: Services, person: Actor) -> list[str]:
    return [one.public_id for one in services.reports.live_desktops(person.person_id or 0)]


def test_one_click_launches_and_leads_to_the_desktop(
    alices: Browser, services: Services, alice: Actor
) -> None:
    token = re.search(r'name="launch_token"\s+value="([^"]+)"', alices.get("/").text)
    assert token
    answer = alices.post("/desktops/", template="xfce", launch_token=token[1])
    (public_id,) = launched(services, alice)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/desktops/{public_id}")
    page = alices.sees(f"/desktops/{public_id}")
    assert "is waiting in the queue" in page
    assert "Copying the template" in page
    assert row(services, public_id).minutes == 30


def test_a_second_post_of_one_form_leads_to_the_same_desktop(
    alices: Browser, services: Services, alice: Actor
) -> None:
    first = alices.post("/desktops/", template="xfce", launch_token="one-form")
    second = alices.post("/desktops/", template="xfce", launch_token="one-form")
    assert first.headers["Location"] == second.headers["Location"]
    assert len(launched(services, alice)) == 1


def test_each_opening_of_the_page_is_a_new_form(alices: Browser) -> None:
    tokens = {
        re.findall(r'name="launch_token"\s+value="([^"]+)"', alices.get("/").text)[0]
        for _ in range(3)
    }
    assert len(tokens) == 3


def test_choices_are_followed(alices: Browser, services: Services, alice: Actor) -> None:
    alices.post(
        "/desktops/", template="xfce", minutes="60", keyboard_layout="fr", rdp_username="ada"
    )
    desktop = row(services, launched(services, alice)[0])
    assert (desktop.minutes, desktop.keyboard_layout, desktop.rdp_username) == (60, "fr", "ada")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("minutes", "0", "1 to 240 minutes"),
        ("minutes", "241", "1 to 240 minutes"),
        ("minutes", "-5", "whole number"),
        ("minutes", "NaN", "whole number"),
        ("minutes", "1e9", "whole number"),
        ("minutes", "30.5", "whole number"),
        ("minutes", "٣٠", "whole number"),
        ("minutes", "9" * 40, "whole number"),
        ("rdp_username", "root", "system itself"),
        ("rdp_username", "a b", "small letter"),
        ("rdp_username", "{{7*7}}", "small letter"),
        ("rdp_username", "ada\r\nfull address:s:evil", "small letter"),
        ("rdp_username", "x" * 65, "64"),
        ("keyboard_layout", "klingon", "not known"),
        ("keyboard_layout", "x" * 50, "8"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field(
    alices: Browser, services: Services, alice: Actor, field: str, value: str, says: str
) -> None:
    answer = alices.post("/desktops/", template="xfce", **{field: value})
    assert answer.status_code == 400
    assert says in words(answer)
    assert re.search(r"<details class=\"fold\"\s+open", answer.text), "the choices are unfolded"
    assert 'aria-invalid="true"' in answer.text
    assert launched(services, alice) == []


@pytest.mark.parametrize("name", ["other", "x" * 300, "<script>alert(1)</script>", "' OR 1=1"])
def test_an_unknown_template_is_refused(
    alices: Browser, services: Services, alice: Actor, name: str
) -> None:
    answer = alices.post("/desktops/", template=name)
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text
    assert "Choose one of the list" in words(answer)
    assert launched(services, alice) == []


def test_a_reached_limit_is_a_state_of_its_own_with_a_way_out(
    alices: Browser, services: Services, alice: Actor
) -> None:
    for _ in range(3):
        services.launcher.launch(alice, LaunchRequest())
    page = alices.sees("/")
    assert "You have 3 of 3 desktops" in page
    assert "stop one to make room" in page
    assert "Launch desktop" not in page, "no dead button"
    answer = alices.post("/desktops/", template="xfce")
    assert answer.status_code == 409
    assert len(launched(services, alice)) == 3


def test_nothing_published_is_a_state_of_its_own(browse: Browse, alice: Actor, root: Actor) -> None:
    assert "nothing to launch yet" in browse("alice").sees("/")
    assert "template-build.yml" in browse("root").sees("/")


def test_cards_tell_size_and_measured_time(
    alices: Browser, services: Services, alice: Actor, worker: WorkerServices, clock: SteppingClock
) -> None:
    assert "about" not in alices.sees("/")
    services.launcher.launch(alice, LaunchRequest())
    clock.step(seconds=7)
    worker.builder.build_one()
    page = alices.sees("/")
    assert "1 GB memory" in page
    assert "2 cores" in page
    assert "about 7 s" in page


def test_the_running_desktop_comes_first_with_what_to_do(alices: Browser, ready: str) -> None:
    page = alices.sees("/")
    assert page.index(ready) < page.index("Launch another")
    for act in ("Open", ".rdp", "Extend", "Stop"):
        assert act in page


def test_the_live_part_is_the_same_as_in_the_page(alices: Browser, ready: str) -> None:
    live = alices.live("/live")
    assert live.headers["X-Live-Seconds"] == "10"
    assert ready in live.text
    assert "".join(strip_tokens(live.text).split()) in "".join(
        strip_tokens(alices.get("/").text).split()
    )


def strip_tokens(html: str) -> str:
    return re.sub(r'name="csrf_token"\s+value="[^"]+"', "", html)


def test_people_see_their_own_desktops_only(browse: Browse, bob: Actor, ready: str) -> None:
    assert ready not in browse("bob").get("/").text
    assert ready not in browse("bob").get("/desktops/").text


def test_who_waits_and_nobody_works_is_told(
    alices: Browser, services: Services, alice: Actor, clock: SteppingClock
) -> None:
    public_id = services.launcher.launch(alice, LaunchRequest())
    clock.step(seconds=20)
    assert "No worker is processing it" in alices.sees(f"/desktops/{public_id}")
    with services.db.begin() as session:
        session.add(WorkerBeat(worker="w", seen_at=clock.now()))
    assert "Next in the queue" in alices.sees(f"/desktops/{public_id}")


def test_the_place_in_the_queue_is_told(
    alices: Browser, services: Services, alice: Actor, bob: Actor
) -> None:
    services.launcher.launch(bob, LaunchRequest())
    public_id = services.launcher.launch(alice, LaunchRequest())
    assert "Position 2 in the queue" in alices.sees(f"/desktops/{public_id}")


def test_names_from_the_database_are_text_not_markup(
    services: Services, browse: Browse, alice: Actor
) -> None:
    publish_template(services, title="<img src=x onerror=alert(1)>", summary="\"'><script>")
    page = browse("alice").get("/").text
    assert "<img src=x" not in page
    assert "<script>" not in page
