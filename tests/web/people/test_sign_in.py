"""Signing in and out."""

import pytest
from flask import Flask

from tests.portal import PASSWORD, SteppingClock
from tests.web.conftest import Browse, Browser, words
from webapp.bootstrap import Services
from webapp.services.audit.record import SYSTEM, Actor


def test_a_person_signs_in_and_lands_at_home(stranger: Browser, alice: Actor) -> None:
    answer = stranger.sign_in("alice")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Launch a desktop" in stranger.sees("/")


def test_who_is_not_signed_in_is_asked_to_and_comes_back(stranger: Browser, alice: Actor) -> None:
    asked = stranger.get("/desktops/?page=2")
    assert asked.headers["Location"] == "/sign-in?next=/desktops/?page%3D2"
    page = stranger.get(asked.headers["Location"])
    assert 'value="/desktops/?page=2"' in page.text
    assert stranger.sign_in("alice", next="/desktops/?page=2").headers["Location"] == (
        "/desktops/?page=2"
    )


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/ok\r\nX-Evil: 1",
        "/\t/evil.example",
        " //evil.example",
        "/%0a/evil\x00",
        "///evil.example",
        "/" + "a" * 501,
    ],
)
def test_nobody_is_sent_to_another_site(stranger: Browser, alice: Actor, evil: str) -> None:
    answer = stranger.sign_in("alice", next=evil)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_wrong_password_and_an_unknown_name_look_the_same(
    stranger: Browser, alice: Actor
) -> None:
    wrong = stranger.sign_in("alice", "not the password")
    unknown = stranger.sign_in("nobody", "not the password")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert words(wrong) == words(unknown)
    assert "do not belong together" in words(wrong)


def test_a_suspended_person_is_told_the_same_and_is_out_at_once(
    services: Services, browse: Browse, stranger: Browser, alice: Actor
) -> None:
    browser = browse("alice")
    services.accounts.suspend(SYSTEM, "alice")
    assert browser.get("/").headers["Location"] == "/sign-in"
    assert "do not belong together" in words(stranger.sign_in("alice"))


def test_too_many_tries_are_stopped_and_say_how_long(
    stranger: Browser, alice: Actor, clock: SteppingClock
) -> None:
    for _ in range(5):
        stranger.sign_in("alice", "wrong wrong wrong")
    stopped = stranger.sign_in("alice")
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= 901
    assert "Try again in" in words(stopped)
    clock.step(minutes=16)
    assert stranger.sign_in("alice").status_code == 303


def test_a_stranger_cannot_lock_somebody_out(app: Flask, alice: Actor) -> None:
    stranger = Browser(app.test_client(), "198.51.100.7")
    for _ in range(6):
        stranger.sign_in("alice", "wrong wrong wrong")
    assert Browser(app.test_client(), "192.0.2.1").sign_in("alice").status_code == 303


def test_thirty_wrong_sign_ins_lock_out_nobody_whom_the_browser_or_address_knows(
    app: Flask, alice: Actor, root: Actor
) -> None:
    regular = Browser(app.test_client(), "198.51.100.7")
    regular.sign_in("root")
    regular.post("/sign-out")
    stranger = Browser(app.test_client(), "198.51.100.7")
    for number in range(30):
        assert stranger.sign_in(f"name{number}", "wrong wrong wrong").status_code == 401
    assert stranger.sign_in("alice").status_code == 429
    assert Browser(app.test_client(), "198.51.100.7").sign_in("root").status_code == 303
    for _ in range(5):
        stranger.sign_in("root", "wrong wrong wrong")
    assert Browser(app.test_client(), "198.51.100.7").sign_in("root").status_code == 429
    assert regular.sign_in("root").status_code == 303


def test_a_browser_carries_its_device_cookie_to_other_addresses(
    app: Flask, alice: Actor, bob: Actor
) -> None:
    browser = Browser(app.test_client(), "192.0.2.1")
    browser.sign_in("alice")
    browser.post("/sign-out")
    browser.sign_in("bob")
    browser.post("/sign-out")
    for number in range(60):
        Browser(app.test_client(), f"203.0.113.{number}").sign_in("alice", "wrong wrong wrong")
    browser.client.environ_base["REMOTE_ADDR"] = "198.51.100.9"
    assert Browser(app.test_client(), "198.51.100.10").sign_in("alice").status_code == 429
    assert browser.sign_in("alice").status_code == 303


@pytest.mark.parametrize("end", ["set_password", "suspend"])
def test_a_device_cookie_ends_with_what_the_person_holds(
    app: Flask, services: Services, alice: Actor, clock: SteppingClock, end: str
) -> None:
    browser = Browser(app.test_client(), "192.0.2.1")
    browser.sign_in("alice")
    browser.post("/sign-out")
    clock.step(seconds=1)
    if end == "set_password":
        services.accounts.set_password(SYSTEM, "alice", PASSWORD)
    else:
        services.accounts.suspend(SYSTEM, "alice")
        services.accounts.restore(SYSTEM, "alice")
    for _ in range(5):
        browser.sign_in("alice", "wrong wrong wrong")
    assert browser.sign_in("alice").status_code == 429


def test_a_device_cookie_of_somebody_else_or_forged_makes_no_browser_known(
    app: Flask, alice: Actor, bob: Actor
) -> None:
    browser = Browser(app.test_client(), "192.0.2.1")
    browser.sign_in("bob")
    own = browser.client.get_cookie("winux-device")
    assert own
    for forged in (own.value, own.value.replace(f"{bob.person_id}.", f"{alice.person_id}.", 1)):
        thief = Browser(app.test_client(), "198.51.100.3")
        thief.client.set_cookie("winux-device", forged)
        for _ in range(5):
            thief.sign_in("alice", "wrong wrong wrong")
        assert thief.sign_in("alice").status_code == 429


def test_the_device_cookie_is_for_this_host_and_no_script(stranger: Browser, alice: Actor) -> None:
    cookies = stranger.sign_in("alice").headers.getlist("Set-Cookie")
    (cookie,) = [one for one in cookies if one.startswith("winux-device=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_name_in_wide_letters_and_a_password_in_parts_are_the_same_ones(
    services: Services, stranger: Browser
) -> None:
    services.accounts.add_person(SYSTEM, "zoe", "na\u00efve caf\u00e9 key")
    answer = stranger.sign_in("\uff3aoe", "nai\u0308ve cafe\u0301 key")
    assert answer.status_code == 303


def test_signing_in_makes_a_new_cookie(stranger: Browser, alice: Actor) -> None:
    stranger.get("/sign-in")
    before = stranger.client.get_cookie("winux")
    stranger.sign_in("alice")
    after = stranger.client.get_cookie("winux")
    assert before
    assert after
    assert before.value != after.value


def test_signing_out_ends_it_on_the_server(app: Flask, browse: Browse, alice: Actor) -> None:
    browser = browse("alice")
    stolen = browser.client.get_cookie("winux")
    assert stolen
    assert browser.post("/sign-out").headers["Location"] == "/sign-in"
    thief = app.test_client()
    thief.set_cookie("winux", stolen.value)
    assert thief.get("/").headers["Location"] == "/sign-in"


def test_an_idle_sign_in_ends(browse: Browse, alice: Actor, clock: SteppingClock) -> None:
    browser = browse("alice")
    clock.step(hours=11)
    assert browser.get("/").status_code == 200
    clock.step(hours=13)
    assert browser.get("/").headers["Location"] == "/sign-in"


def test_who_is_signed_in_does_not_see_the_form(browse: Browse, alice: Actor) -> None:
    assert browse("alice").get("/sign-in?next=/account/").headers["Location"] == "/account/"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("a" * 300, PASSWORD),
        ("alice", "p" * 2000),
        ("alice\x00", PASSWORD),
        ("аlice", PASSWORD),  # with a Cyrillic letter
        ("alice'--", PASSWORD),
        ("", ""),
    ],
)
def test_odd_names_and_passwords_are_only_wrong(
    stranger: Browser, alice: Actor, name: str, password: str
) -> None:
    assert stranger.sign_in(name, password).status_code in {400, 401}


def test_a_login_without_a_token_is_refused(app: Flask, alice: Actor) -> None:
    answer = app.test_client().post("/sign-in", data={"name": "alice", "password": PASSWORD})
    assert answer.status_code == 400
    assert "sent no cookie" in answer.text
