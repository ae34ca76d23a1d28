"""What operators and auditors see and may do, and how a role that is lost takes its rights away."""

import pytest

from tests.portal import PASSWORD
from tests.refusals import refuses
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import row
from webapp.bootstrap import Services
from webapp.domain.errors import NotFound, Refused
from webapp.domain.people.keys import Scope
from webapp.domain.people.roles import Role
from webapp.domain.states import State
from webapp.services.audit.record import SYSTEM, Actor

HERE = "192.0.2.10"


@pytest.fixture
def oscar(services: Services) -> Actor:
    person = services.accounts.add_person(SYSTEM, "oscar", PASSWORD, role=Role.OPERATOR)
    return Actor(person, HERE, role=Role.OPERATOR)


@pytest.fixture
def audrey(services: Services) -> Actor:
    person = services.accounts.add_person(SYSTEM, "audrey", PASSWORD, role=Role.AUDITOR)
    return Actor(person, HERE, role=Role.AUDITOR)


def tabs(browser: Browser) -> set[str]:
    """The pages of the administrators that the menu of the first one offers."""
    page = browser.get("/admin/")
    assert page.status_code == 200
    names = ("Desktops", "Connections", "Pool", "Nodes", "Differences", "Doctor")
    return {
        name
        for name in (*names, "Keys", "Audit", "Webhooks")
        if f">{name}</a>" in page.text.replace(" >", ">")
    }


def test_each_role_is_offered_the_pages_it_may_see(
    browse: Browse, oscar: Actor, audrey: Actor, root: Actor
) -> None:
    of_operators = {"Desktops", "Connections", "Pool", "Nodes", "Differences", "Doctor"}
    assert tabs(browse("oscar")) == of_operators
    assert tabs(browse("audrey")) == of_operators | {"Keys", "Audit", "Webhooks"}
    assert tabs(browse("root")) == tabs(browse("audrey"))


def test_an_auditor_sees_a_desktop_without_the_buttons_that_change_it(
    browse: Browse, oscar: Actor, audrey: Actor, ready: str
) -> None:
    for path in (f"/admin/desktops/{ready}", "/admin/desktops/", "/admin/nodes/"):
        assert "<button" in browse("oscar").get(path).text
    seen = browse("audrey").get(f"/admin/desktops/{ready}").text
    assert f"/admin/desktops/{ready}/stop" not in seen
    assert f"/admin/desktops/{ready}/extend" not in seen
    assert f"/admin/desktops/{ready}/stop" in browse("oscar").get(f"/admin/desktops/{ready}").text
    assert 'name="desktop"' not in browse("audrey").get("/admin/desktops/").text
    for path in ("/admin/pool/xfce", "/admin/webhooks/"):
        assert 'method="post"' not in _main(browse("audrey").get(path).text), path


def _main(page: str) -> str:
    return page.partition("<main")[2]


def test_an_operator_stops_the_desktop_of_another_but_never_opens_it(
    services: Services, browse: Browse, oscar: Actor, ready: str
) -> None:
    browser = browse("oscar")
    assert browser.get(f"/desktops/{ready}").status_code == 404
    assert browser.post(f"/desktops/{ready}/password").status_code == 404
    with pytest.raises(NotFound):
        services.credentials.reveal(oscar, ready)
    assert browser.post(f"/admin/desktops/{ready}/stop").status_code == 303
    assert row(services, ready).state is State.STOPPING


def test_an_auditor_is_refused_at_a_desktop_that_they_see(
    services: Services, audrey: Actor, ready: str
) -> None:
    assert services.reports.desktop(audrey, ready).public_id == ready
    with pytest.raises(Refused) as refusal:
        services.lifetime.stop(audrey, ready)
    assert refusal.value.reason == "forbidden"
    assert row(services, ready).state is State.READY


def test_services_refuse_operators_and_auditors_what_is_for_admins(
    services: Services, oscar: Actor, audrey: Actor, alice: Actor
) -> None:
    attempts = [
        lambda who: services.accounts.add_person(who, "mallory", PASSWORD, role=Role.ADMIN),
        lambda who: services.accounts.set_password(who, "alice", "another long password"),
        lambda who: services.role_changes.set_role(who, "alice", Role.ADMIN),
        lambda who: services.webhooks.add(who, "https://example.org/hook", ["end"]),
    ]
    for who in (oscar, audrey, alice):
        for attempt in attempts:
            with pytest.raises(Refused) as refusal:
                attempt(who)
            assert refusal.value.reason == "forbidden"
    assert services.accounts.person("alice").role is Role.PERSON


def test_a_role_that_is_taken_is_lost_in_the_open_browser_and_by_its_keys(
    services: Services, browse: Browse, root: Actor, ready: str
) -> None:
    services.accounts.add_person(SYSTEM, "rita", PASSWORD, role=Role.ADMIN)
    browser = browse("rita")
    assert browser.get("/admin/webhooks/").status_code == 200
    rita = Actor(services.accounts.person("rita").id, role=Role.ADMIN)
    key = services.keys.make(rita, "script", ["admin"]).text

    services.role_changes.set_role(root, "rita", Role.OPERATOR)
    assert browser.get("/admin/webhooks/").status_code == 403
    assert browser.get("/admin/desktops/").status_code == 200
    holder = services.keys.identify(key, HERE)
    assert holder
    assert Scope.ADMIN in holder.scopes
    with pytest.raises(Refused):
        services.accounts.set_password(holder.actor(HERE), "alice", "another long password")

    services.role_changes.set_role(root, "rita", Role.PERSON)
    answer = browser.get("/admin/desktops/")
    assert answer.status_code == 403
    assert "Your role does not allow this" in words(answer)
    holder = services.keys.identify(key, HERE)
    assert holder
    assert holder.scopes == {Scope.READ, Scope.LAUNCH}
    with pytest.raises(NotFound):
        services.reports.desktop(holder.actor(HERE), ready)


def test_nobody_changes_their_own_role(services: Services, root: Actor) -> None:
    with refuses(Refused, match="your own role"):
        services.role_changes.set_role(root, "root", Role.PERSON)
    assert services.accounts.person("root").role is Role.ADMIN


def test_a_change_of_role_is_in_the_audit_log(services: Services, root: Actor, bob: Actor) -> None:
    services.role_changes.set_role(root, "bob", Role.AUDITOR)
    services.role_changes.set_role(root, "bob", Role.AUDITOR)
    found = [one for one, _ in services.reports.latest_audit() if one.action == "person.set_role"]
    assert [(one.subject, one.detail) for one in found] == [("bob", "person to auditor")]
