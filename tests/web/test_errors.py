"""Error pages for people."""

import pytest
from flask import Flask
from sqlalchemy import text

from tests.web.conftest import Browse, Browser, words
from webapp.bootstrap import Services
from webapp.domain.errors import Conflict
from webapp.http.access import anyone
from webapp.services.audit.record import Actor


def test_nothing_there(stranger: Browser) -> None:
    answer = stranger.get("/nothing")
    assert answer.status_code == 404
    assert "Page not found" in words(answer)
    assert "Traceback" not in answer.text


def test_the_wrong_method_says_how_it_works(browse: Browse, alice: Actor) -> None:
    answer = browse("alice").get("/sign-out")
    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert "Use the button on the page" in words(answer)


def test_a_defect_gives_a_reference_that_the_log_has(
    app: Flask, stranger: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    @anyone
    def broken() -> str:
        raise ZeroDivisionError("a secret detail")

    app.add_url_rule("/broken", "broken", broken)
    answer = stranger.get("/broken")
    reference = answer.headers["X-Request-ID"]
    assert answer.status_code == 500
    assert f"Reference: {reference}" in words(answer)
    assert "secret detail" not in answer.text
    assert [record for record in caplog.records if vars(record).get("request") == reference]


def test_a_database_that_fails_is_said_and_not_a_bare_page(
    browse: Browse, services: Services, alice: Actor
) -> None:
    browser = browse("alice")
    with services.db.begin() as session:
        session.execute(text("DROP TABLE templates"))
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "Nothing was changed. Try again in a moment" in words(answer)
    assert "no such table" not in answer.text  # for the log
    assert f"Reference: {answer.headers['X-Request-ID']}" in words(answer)


def test_even_without_the_sign_ins_the_page_has_words(
    browse: Browse, services: Services, alice: Actor
) -> None:
    browser = browse("alice")
    with services.db.begin() as session:
        session.execute(text("DROP TABLE sign_ins"))
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "Reference" in words(answer)


def test_a_lost_race_can_simply_be_tried_again(app: Flask, stranger: Browser) -> None:
    @anyone
    def lost() -> str:
        raise Conflict("row")

    app.add_url_rule("/lost", "lost", lost)
    answer = stranger.get("/lost")
    assert answer.status_code == 409
    assert "Someone else changed this" in words(answer)
    assert "Try again" in words(answer)


def test_scripts_get_the_status_alone(stranger: Browser) -> None:
    answer = stranger.live("/nothing")
    assert (answer.status_code, answer.text) == (404, "")
