"""The pages of API keys: shown once, listed without the secret, revoked after a confirmation."""

import re

import pytest
from werkzeug.test import TestResponse

from tests.portal import PASSWORD, SteppingClock
from tests.web.conftest import Browse, words
from webapp.bootstrap import Services
from webapp.domain.access import Internal
from webapp.domain.connections.rules import ConnectionEnd
from webapp.domain.connections.target import Door
from webapp.domain.errors import Refused
from webapp.domain.people.keys import Scope
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.connections.admission import Client, Denied
from webapp.services.people.keys import Keys

KEY = re.compile(r"wx_\w{8}_\w{40}")
HERE = "192.0.2.77"


def new_key(keys: Keys, actor: Actor, name: str = "script") -> tuple[int, str]:
    made = keys.make(actor, name, ["read"])
    return made.key.id, made.text


def test_a_new_key_is_shown_once_with_a_copy_button_and_works(
    services: Services, browse: Browse, alice: Actor
) -> None:
    browser = browse("alice")
    page = browser.post("/account/keys/", name="course script", scope="launch", life="30")
    (text,) = set(KEY.findall(page.text))
    assert f'data-copy="{text}"' in page.text
    assert "never shown again" in words(page)
    holder = services.keys.identify(text, HERE)
    assert holder is not None
    assert holder.name == "alice"
    later = browser.get("/account/keys/").text
    assert "course script" in later
    assert not KEY.search(later)
    assert f"wx_{text[3:11]}_" in later


def test_sending_the_form_again_makes_no_second_key(
    services: Services, browse: Browse, alice: Actor
) -> None:
    browser = browse("alice")
    browser.post("/account/keys/", name="one", scope="read", life="0")
    again = browser.post("/account/keys/", name="one", scope="read", life="0")
    assert again.status_code == 400
    assert "There is a key one already" in words(again)
    assert len(services.keys.list(alice.person_id)) == 1


def test_what_is_not_offered_is_refused_with_the_words_kept(browse: Browse, alice: Actor) -> None:
    browser = browse("alice")
    for wrong in ({"scope": "admin"}, {"scope": "all"}, {"life": "9999"}, {"life": ""}):
        answer = browser.post(
            "/account/keys/", **{"name": "mine", "scope": "read", "life": "7", **wrong}
        )
        assert answer.status_code == 400, wrong
        assert 'value="mine"' in answer.text
        assert not KEY.search(answer.text)


def test_the_admin_scope_is_offered_to_admins_alone(
    services: Services, browse: Browse, alice: Actor, root: Actor
) -> None:
    assert "all that my role allows" not in browse("alice").sees("/account/keys/")
    browser = browse("root")
    assert "all that my role allows" in browser.sees("/account/keys/")
    page = browser.post("/account/keys/", name="upkeep", scope="admin", life="7")
    holder = services.keys.identify(KEY.findall(page.text)[0], HERE)
    assert holder is not None
    assert Scope.ADMIN in holder.scopes


def test_the_list_tells_last_use_and_end(services: Services, browse: Browse, alice: Actor) -> None:
    _, text = new_key(services.keys, alice)
    browser = browse("alice")
    assert "never" in browser.sees("/account/keys/")
    services.keys.identify(text, HERE)
    assert f"just now {HERE}" in browser.sees("/account/keys/")


def test_revoking_is_asked_first_and_works_at_once(
    services: Services, browse: Browse, alice: Actor
) -> None:
    number, text = new_key(services.keys, alice, "old script")
    browser = browse("alice")
    assert "Revoke the key old script?" in browser.sees(f"/account/keys/{number}/revoke")
    assert services.keys.identify(text, HERE)
    answer = browser.post(f"/account/keys/{number}/revoke")
    assert answer.headers["Location"] == "/account/keys/"
    assert services.keys.identify(text, HERE) is None
    assert "You have no keys" in browser.sees("/account/keys/")


def test_admins_find_and_revoke_everybodys_and_others_nobodys(
    services: Services, browse: Browse, alice: Actor, bob: Actor, root: Actor
) -> None:
    number, text = new_key(services.keys, alice, "alices script")
    new_key(services.keys, bob, "bobs script")
    assert browse("bob").get(f"/account/keys/{number}/revoke").status_code == 404
    assert browse("bob").post(f"/account/keys/{number}/revoke").status_code == 404
    # on the page of their own account an admin is treated like any person
    admin = browse("root")
    assert admin.post(f"/account/keys/{number}/revoke").status_code == 404
    assert services.keys.identify(text, HERE)
    assert "bobs script" in admin.sees("/admin/keys/")
    for query in ("alice", "alices s", text[:11], text[3:11]):
        page = admin.sees(f"/admin/keys/?q={query}")
        assert "alices script" in page
        assert "bobs script" not in page
    assert "No key matches" in admin.sees("/admin/keys/?q=%25")
    admin.post(f"/admin/keys/{number}/revoke")
    assert services.keys.identify(text, HERE) is None


def test_the_account_tells_how_many_there_are(
    services: Services, browse: Browse, alice: Actor
) -> None:
    browser = browse("alice")
    assert "You have none" in browser.sees("/account/")
    new_key(services.keys, alice)
    assert "1 key lets a program act for you" in browser.sees("/account/")


def test_many_peoples_keys_come_in_pages(services: Services, browse: Browse, root: Actor) -> None:
    operator = Actor(None, role=Internal.COMMAND_LINE)
    for number in range(3):
        name = f"person{number}"
        services.accounts.add_person(SYSTEM, name, "a long password")
        for key in range(10):
            services.keys.make(operator, f"script {key}", ["read"], person=name)
    browser = browse("root")
    assert "1–25 of 30" in browser.sees("/admin/keys/")
    assert "26–30 of 30" in browser.sees("/admin/keys/?page=2")


def test_the_limit_is_said_on_the_page(services: Services, browse: Browse, alice: Actor) -> None:
    browser = browse("alice")
    try:
        for number in range(100):
            new_key(services.keys, alice, f"script {number}")
    except Refused:
        page = browser.post("/account/keys/", name="one more", scope="read", life="7")
    assert "as many as a person may have" in words(page)


def test_a_connection_under_a_key_ends_with_the_key(
    services: Services,
    alice: Actor,
    ready: str,
) -> None:
    made = services.keys.make(alice, "script", ["launch"])
    actor = Actor(alice.person_id, HERE, key_id=made.key.id)
    ticket = services.tickets.issue(actor, ready)
    admitted = services.tickets.redeem(ticket.token, Client(Door.BROWSER_VIEW, HERE, "a program"))
    open_ids = [admitted.connection_id]
    assert services.connections.endings(open_ids) == {}
    services.keys.revoke(alice, made.key.id)
    (ending,) = services.connections.endings(open_ids).values()
    assert ending.why == ConnectionEnd.SUSPENDED


def test_a_revoked_keys_ticket_opens_nothing(
    services: Services,
    alice: Actor,
    ready: str,
) -> None:
    made = services.keys.make(alice, "script", ["launch"])
    actor = Actor(alice.person_id, HERE, key_id=made.key.id)
    ticket = services.tickets.issue(actor, ready)
    services.keys.revoke(alice, made.key.id)
    with pytest.raises(Denied, match="suspended"):
        services.tickets.redeem(ticket.token, Client(Door.BROWSER_VIEW, HERE, "a program"))


def test_a_key_needs_the_password_when_it_was_typed_too_long_ago(
    services: Services, browse: Browse, alice: Actor, clock: SteppingClock
) -> None:
    browser = browse("alice")
    assert "Your password" not in browser.sees("/account/keys/")
    clock.step(minutes=11)
    assert "Your password" in browser.sees("/account/keys/")
    wish = {"name": "one", "scope": "read", "life": "7"}
    for password in ("", "not the password"):
        refused = browser.post("/account/keys/", **wish, password=password)
        assert refused.status_code == 400
        assert "not the password" not in refused.text
    assert services.keys.list(alice.person_id) == []
    assert KEY.search(browser.post("/account/keys/", **wish, password=PASSWORD).text)
    assert "Your password" not in browser.sees("/account/keys/")


def test_a_pages_sign_in_needs_the_password_in_the_api_too(
    services: Services, browse: Browse, alice: Actor, clock: SteppingClock
) -> None:
    browser = browse("alice")
    clock.step(minutes=11)
    found = re.search(r'name="csrf_token"\s+value="([^"]+)"', browser.get("/account/").text)
    assert found
    headers = {"X-CSRFToken": found[1]}

    def post(path: str, body: dict[str, object]) -> TestResponse:
        return browser.client.post(f"/api/v1{path}", json=body, headers=headers)

    wish = {"name": "one", "scopes": ["read"]}
    refused = post("/keys", wish)
    assert refused.status_code == 409
    assert refused.get_json()["reason"] == "password_needed"
    assert post("/me/password", {"password": "wrong wrong"}).status_code == 409
    assert post("/me/password", {"password": PASSWORD}).status_code == 204
    made = post("/keys", wish)
    assert made.status_code == 201
    assert made.get_json()["expires_at"] == "2026-05-31T09:11:00Z"
    forever = post("/keys", {"name": "two", "scopes": ["read"], "expires_at": None})
    assert forever.get_json()["expires_at"] is None
