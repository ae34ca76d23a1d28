"""One desktop's page in all its states, with the actions of each."""

import threading

import pytest

from tests.fakes import FailingProvisioner, FakeNode, SlowProvisioner
from tests.portal import SteppingClock
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import launch, row
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.states import EndReason, State
from webapp.services.audit.record import Actor


@pytest.fixture
def alices(browse: Browse, alice: Actor) -> Browser:
    return browse("alice")


def password_of(services: Services, actor: Actor, public_id: str) -> str:
    return services.credentials.reveal(actor, public_id).password


def test_a_ready_desktop_tells_how_to_connect(alices: Browser, ready: str) -> None:
    page = alices.sees(f"/desktops/{ready}")
    for part in ("Your desktop is ready", "10.203.0.64:3389", "Download .rdp", "Extend by 30 min"):
        assert part in page


def test_the_password_is_not_in_the_page_until_its_owner_asks(
    alices: Browser, services: Services, alice: Actor, ready: str
) -> None:
    secret = password_of(services, alice, ready)
    for path in ("/", "/desktops/", f"/desktops/{ready}", f"/desktops/{ready}/live"):
        assert secret not in alices.get(path).text
    shown = alices.post(f"/desktops/{ready}/password")
    assert secret in words(shown)
    assert shown.headers["Cache-Control"] == "no-store"
    by_script = alices.post(f"/desktops/{ready}/password", headers={"X-Live": "1"})
    assert by_script.get_json() == {"password": secret}
    assert by_script.headers["Cache-Control"] == "no-store"
    assert "Password shown · you" in alices.sees(f"/desktops/{ready}")


def test_an_administrator_never_gets_the_password(
    browse: Browse, services: Services, alice: Actor, root: Actor, ready: str
) -> None:
    browser = browse("root")
    assert browser.post(f"/desktops/{ready}/password").status_code == 404
    secret = password_of(services, alice, ready)
    assert secret not in browser.get(f"/admin/desktops/{ready}").text


def test_the_rdp_file_opens_this_desktop_and_holds_no_password(
    alices: Browser, services: Services, alice: Actor, ready: str
) -> None:
    answer = alices.get(
        f"/desktops/{ready}/desktop.rdp", headers={"X-Forwarded-Host": "evil.example"}
    )
    lines = answer.text.split("\r\n")
    assert "full address:s:10.203.0.64:3389" in lines
    assert "username:s:desktop" in lines
    assert answer.headers["Content-Type"] == "application/x-rdp"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ready}.rdp"'
    assert password_of(services, alice, ready) not in answer.text
    assert "evil" not in answer.text


def test_extend_gives_more_time(alices: Browser, services: Services, ready: str) -> None:
    before = row(services, ready).deadline_at
    answer = alices.post(f"/desktops/{ready}/extend", minutes="30")
    assert answer.headers["Location"] == f"/desktops/{ready}"
    after = row(services, ready).deadline_at
    assert before
    assert after
    assert (after - before).total_seconds() == 1800
    assert "Extended by 30 min." in alices.sees(f"/desktops/{ready}")


@pytest.mark.parametrize("minutes", ["", "0", "-1", "abc", "1e3", "NaN", "99999999999", "٣"])
def test_extend_by_nonsense_changes_nothing(
    alices: Browser, services: Services, ready: str, minutes: str
) -> None:
    before = row(services, ready).deadline_at
    answer = alices.post(f"/desktops/{ready}/extend", minutes=minutes)
    assert answer.status_code in {303, 400}
    assert row(services, ready).deadline_at == before


def test_the_longest_time_is_said_instead_of_a_button(
    alices: Browser, services: Services, alice: Actor, ready: str
) -> None:
    services.lifetime.extend(alice, ready, 240)
    page = alices.sees(f"/desktops/{ready}")
    assert "It cannot be extended any further." in page
    assert "Extend by" not in page
    alices.post(f"/desktops/{ready}/extend", minutes="30")
    assert "already has the longest time" in alices.sees(f"/desktops/{ready}")


def test_stop_asks_first_and_names_the_desktop(
    alices: Browser, services: Services, ready: str
) -> None:
    question = alices.sees(f"/desktops/{ready}/stop")
    assert f"Stop {ready}?" in question
    assert "Unsaved files in it are lost" in question
    assert row(services, ready).state == State.READY
    answer = alices.post(f"/desktops/{ready}/stop")
    assert answer.headers["Location"] == f"/desktops/{ready}"
    assert "is being removed" in alices.sees(f"/desktops/{ready}")
    # A second click, or Back and another click: nothing else happens.
    assert alices.post(f"/desktops/{ready}/stop").status_code == 303
    assert alices.get(f"/desktops/{ready}/stop").headers["Location"] == f"/desktops/{ready}"


def test_an_ended_desktop_says_why_and_how_long_it_lived(
    alices: Browser, worker: WorkerServices, ready: str, clock: SteppingClock
) -> None:
    clock.step(minutes=31)
    assert worker.lifetime.expire_some()
    assert worker.teardown.teardown_one()
    page = alices.sees(f"/desktops/{ready}")
    assert "This desktop has ended Its time was up." in page
    assert "Ran for 31 min" in page
    assert "Launch a new one" in page
    assert alices.live(f"/desktops/{ready}/live").headers["X-Live-Seconds"] == "0"
    assert alices.get(f"/desktops/{ready}/desktop.rdp").status_code == 409


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("", "You can try again now."),
        ("refused", "must be repaired first"),
        ("no_vmid", "no room for another desktop"),
    ],
)
def test_a_failed_launch_says_what_to_do_and_tries_again_once(
    alices: Browser,
    services: Services,
    alice: Actor,
    xfce: str,
    node: FakeNode,
    reason: str,
    told: str,
) -> None:
    public_id = launch(services, alice)
    bootstrap_worker.build_worker_services(
        services,
        "worker-2",
        provisioner=FailingProvisioner(node, "desktop_start", reason),
        hypervisor=node,
    ).builder.build_one()
    page = alices.sees(f"/desktops/{public_id}")
    assert "could not be made" in page
    assert told in page
    assert "give this reference" in page
    for detail in ("The storage is full.", "line 1"):
        assert detail not in page, "for administrators, who know what it means"
        assert detail not in alices.sees("/desktops/")
    assert "Starting the machine : failed" in page
    again = f"again-{public_id}"
    first = alices.post("/desktops/", template="xfce", launch_token=again)
    second = alices.post("/desktops/", template="xfce", launch_token=again)
    assert first.status_code == 303
    assert first.headers["Location"] == second.headers["Location"] != f"/desktops/{public_id}"


def test_a_build_that_is_tried_again_says_why_and_names_no_machine(
    alices: Browser, services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    bootstrap_worker.build_worker_services(
        services,
        "worker-2",
        provisioner=FailingProvisioner(node, "desktop_clone", "unreachable"),
        hypervisor=node,
    ).builder.build_one()
    page = alices.sees(f"/desktops/{public_id}")
    assert "is being made" in page
    assert "do not answer right now. Winux is retrying." in page
    assert "The storage is full." not in page


def test_steps_are_ticked_while_it_is_made(
    alices: Browser, services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    slow = SlowProvisioner(node)
    worker = bootstrap_worker.build_worker_services(
        services, "worker-2", provisioner=slow, hypervisor=node
    )
    thread = threading.Thread(target=worker.builder.build_one)
    thread.start()
    try:
        assert slow.is_hanging.wait(10)
        live = alices.live(f"/desktops/{public_id}/live")
        assert live.headers["X-Live-Seconds"] == "1"
        assert "Copying the template : under way" in words(live)
        assert "Starting the machine : not yet" in words(live)
        # Cancel is the same as stop, and the page says that nothing is lost.
        assert "nothing is lost yet" in alices.sees(f"/desktops/{public_id}/stop")
        alices.post(f"/desktops/{public_id}/stop")
    finally:
        slow.go_on.set()
        thread.join(20)
    assert row(services, public_id).state in {State.STOPPING, State.ENDED}
    assert row(services, public_id).end_reason == EndReason.ASKED


def test_the_live_part_tells_a_script_that_the_sign_in_is_over(
    app: object, stranger: Browser, ready: str
) -> None:
    answer = stranger.live(f"/desktops/{ready}/live")
    assert (answer.status_code, answer.text) == (401, "")


def test_it_works_without_scripts(alices: Browser, ready: str) -> None:
    page = alices.get(f"/desktops/{ready}").text
    assert '<noscript><meta http-equiv="refresh"' in page.replace("\n", "").replace("  ", "")
    for form in ("extend", "password"):
        assert f'action="/desktops/{ready}/{form}"' in page
    assert f'href="/desktops/{ready}/stop"' in page


@pytest.mark.parametrize(
    "public_id", ["desktop-00000000", "1", "..%2f..%2fetc", "desktop-%00", "x" * 500, "%ff%fe"]
)
def test_what_does_not_exist_is_nothing(alices: Browser, xfce: str, public_id: str) -> None:
    for path in ("", "/live", "/desktop.rdp", "/stop"):
        answer = alices.get(f"/desktops/{public_id}{path}")
        assert answer.status_code in {400, 404}


def test_somebody_elses_desktop_looks_like_none(browse: Browse, bob: Actor, ready: str) -> None:
    browser = browse("bob")
    theirs = browser.get(f"/desktops/{ready}")
    none = browser.get("/desktops/desktop-00000000")
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert words(theirs) == words(none)


def test_the_page_warns_before_the_end(alices: Browser, ready: str, clock: SteppingClock) -> None:
    assert "less than five minutes" not in alices.sees(f"/desktops/{ready}")
    clock.step(minutes=26)
    assert "It ends in less than five minutes. Save your work" in alices.sees(f"/desktops/{ready}")
    assert "tone-warn" in alices.get(f"/desktops/{ready}").text
    clock.step(minutes=3.5)
    assert "tone-bad" in alices.get(f"/desktops/{ready}").text
