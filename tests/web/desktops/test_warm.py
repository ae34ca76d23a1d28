"""No caller gets access to a warm desktop: every page, file and ticket, for every caller."""

import re

import pytest
from flask import Flask

from tests.portal import PASSWORD
from tests.warm import add_warm
from tests.web.conftest import Browse
from tests.worker.life import row
from webapp.bootstrap import Services
from webapp.domain.states import State
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def warm(services: Services, alice: Actor, bob: Actor, root: Actor, xfce: str) -> str:
    return add_warm(services)[0]


def ways_to(app: Flask, public_id: str) -> list[tuple[str, str]]:
    """Method and path of everything that a desktop has."""
    rules = [rule for rule in app.url_map.iter_rules() if "public_id" in rule.arguments]
    return sorted(
        (method, re.sub(r"<[^>]*public_id>", public_id, rule.rule))
        for rule in rules
        for method in (rule.methods or set()) & {"GET", "POST"}
    )


@pytest.mark.parametrize("who", ["alice", "bob", "root"])
def test_there_is_no_way_to_it_but_the_administrators_list(
    app: Flask, services: Services, browse: Browse, warm: str, who: str
) -> None:
    password = services.vault.unlock(row(services, warm).password_locked or b"")
    browser = browse(who)
    ways = ways_to(app, warm)
    assert ("POST", f"/desktops/{warm}/password") in ways
    assert ("GET", f"/desktops/{warm}/desktop.rdp") in ways
    for method, path in ways:
        if who == "root" and path.startswith("/admin") and method == "POST":
            continue  # an administrator may end it
        sent = {"minutes": "10", "keyboard_layout": "us"}
        answer = browser.get(path) if method == "GET" else browser.post(path, **sent)
        assert password not in answer.text
        if not path.startswith("/admin"):
            assert answer.status_code == 404, (method, path)
        elif who != "root":
            assert answer.status_code == 403, (method, path)
    assert row(services, warm).state == State.WARM


def test_no_list_shows_its_password_or_gives_it_to_a_person(
    services: Services, browse: Browse, warm: str
) -> None:
    password = services.vault.unlock(row(services, warm).password_locked or b"")
    pages = ["/admin/", "/admin/desktops/", f"/admin/desktops/{warm}", "/admin/connections/"]
    for path in pages:
        page = browse("root").get(path).text
        assert password not in page
        assert "none (pool)" in page or path in {"/admin/", "/admin/connections/"}
    for path in ("/", "/live", "/desktops/"):
        assert warm not in browse("alice").get(path).text


def test_what_was_asked_before_the_claim_is_no_use_after_it(
    services: Services, browse: Browse, alice: Actor, warm: str
) -> None:
    """bob, who tried to open it before it had an owner, has no access when it is alice's."""
    bobs = browse("bob")
    assert bobs.post(f"/desktops/{warm}/view/ticket", keyboard_layout="us").status_code == 404
    assert services.launcher.launch(alice, LaunchRequest()) == warm
    assert bobs.post(f"/desktops/{warm}/view/ticket", keyboard_layout="us").status_code == 404
    assert bobs.post(f"/desktops/{warm}/password").status_code == 404
    alices = browse("alice")
    assert alices.post(f"/desktops/{warm}/view/ticket", keyboard_layout="us").status_code == 200
    shown = alices.post(f"/desktops/{warm}/password", headers={"X-Live": "1"}).json
    assert shown
    assert len(shown["password"]) == 20
    assert shown["password"] != PASSWORD


def test_the_claimed_desktop_s_page_has_all_details_at_once(
    services: Services, browse: Browse, warm: str
) -> None:
    alices = browse("alice")
    answer = alices.post("/desktops/", template="xfce", launch_token="one form")
    assert answer.headers["Location"] == f"/desktops/{warm}"
    page = alices.sees(f"/desktops/{warm}")
    assert "Your desktop is ready" in page
    assert f"{row(services, warm).address}:3389" in page
    assert "Open in browser" in page
