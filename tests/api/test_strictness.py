"""Requests that differ from the document are refused, always with problem details."""

from dataclasses import replace
from functools import wraps
from pathlib import Path

import pytest
from flask import Flask

from tests.api.conftest import API, MakeProgram, Program
from tests.compilation import make_app
from tests.portal import PASSWORD, SteppingClock
from tests.web.conftest import TOKEN, Browser
from webapp.bootstrap import Services
from webapp.domain.problems import KINDS
from webapp.services.audit.record import Actor


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "UTF-8"),
        (b'{"template": "a", "template": "b"}', 400, "twice"),
        (b'{"duration_hours": NaN}', 400, "NaN"),
        (b'{"duration_hours": -Infinity}', 400, "Infinity"),
        (b'{"duration_hours": 1e999}', 400, "too large"),
        (rb'{"template": "\ud800"}', 400, "UTF-8"),
        (rb'{"template": "\u0000"}', 400, "NUL"),
        (b"[" * 60_000, 400, "deep"),
        (b"[]", 422, "object"),
        (b"null", 422, "object"),
        (b'{"tempalte": "xfce"}', 422, "tempalte"),
        (b'{"duration_minutes": "5"}', 422, "int"),
        (b'{"duration_minutes": true}', 422, "int"),
        (b'{"duration_minutes": 0}', 422, ">= 1"),
        (b'{"duration_minutes": 1.5}', 422, "int"),
        (b'{"duration_minutes": 5, "duration_hours": 1}', 422, "not both"),
        (b'{"duration_minutes": 1000}', 422, "1 to 240"),
        (b'{"rdp_username": "root"}', 422, "group of the system"),
        (b'{"template": "none"}', 422, "no template"),
        (b'{"make_room": "close_all"}', 422, ""),
        (b" " * (64 * 1024 + 1), 413, ""),
    ],
)
def test_a_body_that_is_not_right_is_refused(
    program: MakeProgram, alice: Actor, xfce: str, body: bytes, status: int, says: str
) -> None:
    answer = program(alice).send("/sessions", body)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert says in answer.json["detail"]


def test_a_member_is_named_by_a_pointer(program: MakeProgram, alice: Actor, xfce: str) -> None:
    answer = program(alice).send("/sessions", b'{"duration_minutes": "5"}')
    assert answer.json["errors"][0]["pointer"] == "/duration_minutes"
    assert program(alice).get("/sessions?limit=0").json["errors"][0]["parameter"] == "limit"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "limit=1&limit=2", "mine=1", "sort=owner", "colour=red", "status=gone"],
)
def test_a_parameter_that_is_not_right_is_refused(
    program: MakeProgram, alice: Actor, query: str
) -> None:
    assert program(alice).get(f"/sessions?{query}").status_code == 422


def test_another_content_type_is_refused(program: MakeProgram, alice: Actor, xfce: str) -> None:
    answer = program(alice).send("/sessions", b"template=xfce", "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.content_type) == (415, "application/problem+json")


def test_a_wrong_method_names_the_right_ones(program: MakeProgram, alice: Actor) -> None:
    answer = program(alice).call("PUT", "/sessions")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert answer.json["type"].endswith("/method-not-allowed")


@pytest.mark.parametrize(
    "path", ["/nothing", "/sessions/desktop-xyz", "/sessions/%00", "/problems/x"]
)
def test_what_is_not_there_is_json_too(program: MakeProgram, alice: Actor, path: str) -> None:
    answer = program(alice).get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_defect_is_json_with_a_reference_and_no_words_of_ours(
    app: Flask, program: MakeProgram, alice: Actor
) -> None:
    def break_down(**_: object) -> None:
        raise RuntimeError("secret words")

    view = app.view_functions["api.list_sessions"]
    app.view_functions["api.list_sessions"] = wraps(view)(break_down)
    answer = program(alice).get("/sessions")
    assert (answer.status_code, answer.json["request_id"]) == (500, answer.headers["X-Request-ID"])
    assert "secret" not in answer.text


def test_a_database_that_does_not_answer_is_no_defect(
    services: Services, program: MakeProgram, alice: Actor
) -> None:
    caller = program(alice)
    services.db.close()
    file = Path(services.config.database_url.removeprefix("sqlite:///"))
    file.rename(file.with_suffix(".away"))
    file.mkdir()
    answer = caller.get("/sessions")
    assert answer.status_code == 503
    assert answer.json["type"].endswith("/unavailable")
    assert answer.headers["Retry-After"]


def test_a_cookie_changes_nothing_without_its_token(app: Flask, alice: Actor, xfce: str) -> None:
    browser = Browser(app.test_client())
    browser.sign_in("alice", PASSWORD)
    bare = browser.client.post(f"{API}/sessions", json={})
    assert (bare.status_code, bare.json["type"].rpartition("/")[2]) == (400, "csrf")
    assert browser.client.get(f"{API}/sessions").json["sessions"] == []
    token = TOKEN.search(browser.get("/account/").text)
    assert token
    form = {"csrf_token": token[1]}
    made = browser.client.post(f"{API}/sessions", json={}, headers={"X-CSRFToken": token[1]})
    assert made.status_code == 202
    beacon = f"{API}/sessions/{made.json['session_sub']}/close-beacon"
    assert browser.client.post(beacon, data=form).status_code == 204
    assert browser.client.post(beacon, data={}).status_code == 400


def test_a_wrong_key_is_not_made_good_by_a_cookie(app: Flask, alice: Actor) -> None:
    browser = Browser(app.test_client())
    browser.sign_in("alice", PASSWORD)
    answer = browser.client.get(f"{API}/sessions", headers={"X-API-Key": "wx_wrong"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_bearer_is_a_key(app: Flask, services: Services, alice: Actor) -> None:
    text = services.keys.make(alice, "k", ["read"]).text
    program = Program(app)
    assert program.get("/sessions", Authorization=f"Bearer {text}").status_code == 200
    assert program.get("/sessions", Authorization=f"Basic {text}").status_code == 401


def test_wrong_keys_are_tried_so_often_alone_and_good_ones_still_work(
    app: Flask, program: MakeProgram, alice: Actor, clock: SteppingClock
) -> None:
    good, bad = program(alice), Program(app, "wx_" + "a" * 8 + "_" + "b" * 40)
    assert {bad.get("/sessions").status_code for _ in range(30)} == {401}
    refused = bad.get("/sessions")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 15 * 60 + 1
    assert good.get("/sessions").status_code == 200
    browser = Browser(app.test_client(), address="192.0.2.20")
    assert browser.sign_in("alice").status_code == 303
    clock.step(minutes=16)
    assert bad.get("/sessions").status_code == 401


def test_other_origins_are_not_let_in_unless_named(services: Services, alice: Actor) -> None:
    origin = "https://courses.example.org"
    key = services.keys.make(alice, "k", ["read"]).text
    named = replace(services.config, api_origins=frozenset({origin}))
    for config, wanted, is_allowed in (
        (services.config, origin, False),
        (named, origin, True),
        (named, "https://evil.example.org", False),
    ):
        program = Program(make_app(replace(services, config=config)), key)
        answer = program.get("/sessions", Origin=wanted)
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if is_allowed else None)
        asked = program.call("OPTIONS", "/sessions", Origin=wanted)
        assert ("Access-Control-Allow-Methods" in asked.headers) is is_allowed
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_every_kind_of_problem_is_told_where_its_type_leads(nobody: Program) -> None:
    for slug, kind in KINDS.items():
        told = nobody.get(f"/problems/{slug}")
        assert told.json["status"] == kind.status
        assert told.json["type"].endswith(f"/api/v1/problems/{slug}")
