"""A person's sign-ins: only the person can see and end them."""

from flask import Flask

from tests.portal import PASSWORD
from tests.web.conftest import Browse, Browser
from webapp.bootstrap import Services
from webapp.services.audit.record import Actor


def test_sign_ins_are_listed_with_browser_and_address(browse: Browse, alice: Actor) -> None:
    browse("alice")
    page = browse("alice").sees("/account/")
    assert page.count("192.0.2.10") == 2
    assert "(this one)" in page


def test_another_browser_is_signed_out_at_once(
    services: Services, browse: Browse, alice: Actor
) -> None:
    other, this = browse("alice"), browse("alice")
    rows = services.accounts.sign_ins(alice.person_id or 0)
    first = min(rows, key=lambda one: one.id)
    this.post(f"/account/sign-ins/{first.id}/end")
    assert other.get("/").headers["Location"] == "/sign-in"
    assert this.get("/").status_code == 200


def test_all_others_are_signed_out_at_once(browse: Browse, alice: Actor) -> None:
    others, this = [browse("alice"), browse("alice")], browse("alice")
    this.post("/account/sign-ins/end-others")
    assert {other.get("/").status_code for other in others} == {303}
    assert this.get("/").status_code == 200


def test_somebody_elses_sign_in_does_not_exist(
    services: Services, browse: Browse, alice: Actor, bob: Actor
) -> None:
    alices, bobs = browse("alice"), browse("bob")
    (row,) = services.accounts.sign_ins(alice.person_id or 0)
    assert bobs.post(f"/account/sign-ins/{row.id}/end").status_code == 404
    assert alices.get("/").status_code == 200


def test_a_new_password_of_ones_own_ends_everything_but_this_browser(
    services: Services, browse: Browse, app: Flask, alice: Actor
) -> None:
    other, this = browse("alice"), browse("alice")
    services.keys.make(alice, "script", ["read"])
    wish = {"old": PASSWORD, "new": "another long password", "again": "another long password"}
    assert this.post("/account/password", **{**wish, "old": "wrong"}).status_code == 400
    assert this.post("/account/password", **{**wish, "again": "different"}).status_code == 400
    assert this.post("/account/password", **{**wish, "new": "x", "again": "x"}).status_code == 400
    assert other.get("/").status_code == 200
    assert this.post("/account/password", **wish).status_code == 303
    assert "Your password is changed" in this.sees("/account/")
    assert other.get("/").status_code == 303
    assert services.keys.list(alice.person_id) == []
    assert Browser(app.test_client()).sign_in("alice").status_code == 401
    assert Browser(app.test_client()).sign_in("alice", wish["new"]).status_code == 303


def test_signing_out_everywhere_ends_this_browser_too(
    services: Services, browse: Browse, alice: Actor
) -> None:
    other, this = browse("alice"), browse("alice")
    services.keys.make(alice, "script", ["read"])
    assert this.post("/account/end-everything").headers["Location"] == "/sign-in"
    assert "signed out everywhere" in this.sees("/sign-in")
    assert {one.get("/").status_code for one in (other, this)} == {303}
    assert services.keys.list(alice.person_id) == []
