"""One's own sign-ins: seen and ended by their person alone."""

from tests.web.conftest import Browse
from webapp.bootstrap import Services
from webapp.services.audit import Actor


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
