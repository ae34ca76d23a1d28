"""A page refuses in the person's language, programs are refused in English."""

import csv
import io
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from sqlalchemy import select

from tests.web.conftest import Browse, words
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.domain.errors import NotFound
from webapp.models import AuditEntry
from webapp.services.audit.record import SYSTEM, Actor
from webapp.web.language import init_language

FRENCH = {"Accept-Language": "fr"}
NO_DESKTOP = "Ce bureau n'existe pas."
STOPPING = (
    "You have %(count)s of %(limit)s desktops. %(stopping)s is still stopping.",
    "You have %(count)s of %(limit)s desktops. %(stopping)s are still stopping.",
)


@pytest.fixture
def french(app: Flask, tmp_path: Path) -> Flask:
    """The application with a small French catalogue."""
    catalogue = Catalog(locale="fr")
    catalogue.add("There is no such desktop.", NO_DESKTOP)
    catalogue.add(
        "%(desktop)s is %(state)s, so its time cannot be changed.", "%(desktop)s : %(state)s."
    )
    catalogue.add("queued", "en attente")
    catalogue.add(STOPPING, ("%(stopping)s bureau s'arrête.", "%(stopping)s bureaux s'arrêtent."))
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    init_language(app, tmp_path)
    return app


def test_a_page_refuses_in_the_persons_language(
    french: Flask, browse: Browse, alice: Actor
) -> None:
    browser = browse("alice")
    assert NO_DESKTOP in words(browser.get("/desktops/desktop-00000000", headers=FRENCH))
    assert "There is no such desktop." in words(browser.get("/desktops/desktop-00000000"))


def test_a_parameter_of_the_sentence_is_translated_too(
    french: Flask, services: Services, browse: Browse, alice: Actor, xfce: str
) -> None:
    launched = launch(services, alice)
    browser = browse("alice")
    browser.post(f"/desktops/{launched}/extend", minutes="10", headers=FRENCH)
    assert f"{launched} : en attente." in words(browser.get("/", headers=FRENCH))


def test_a_plural_follows_the_language(
    french: Flask, services: Services, browse: Browse, root: Actor, alice: Actor, xfce: str
) -> None:
    for _ in range(3):
        services.lifetime.stop(alice, launch(services, alice))
    assert browse("alice").post("/desktops/", template="xfce").status_code == 409
    page = words(browse("root").get("/admin/audit/?refused=yes", headers=FRENCH))
    assert "3 bureaux s'arrêtent." in page


def test_programs_are_refused_in_english(
    french: Flask, services: Services, alice: Actor, xfce: str
) -> None:
    key = services.keys.make(alice, "script", ["read"]).text
    answer = french.test_client().get(
        "/api/v1/sessions/desktop-00000000", headers={**FRENCH, "X-API-Key": key}
    )
    assert answer.json is not None
    assert answer.json["detail"] == "There is no such desktop."


def test_the_log_keeps_the_code_and_is_read_in_any_language(
    french: Flask, services: Services, browse: Browse, root: Actor, alice: Actor
) -> None:
    with pytest.raises(NotFound):
        services.lifetime.stop(alice, "desktop-00000000")
    browser = browse("root")
    assert NO_DESKTOP in words(browser.get("/admin/audit/", headers=FRENCH))
    exported = browser.get("/admin/audit/export.csv?refused=yes", headers=FRENCH).text
    (line,) = csv.DictReader(io.StringIO(exported))
    assert (line["reason"], line["detail"]) == ("not_found", "There is no such desktop.")
    assert "refusal" not in line


@pytest.mark.parametrize(
    ("refusal", "detail", "seen"),
    [
        (None, "The sentence of an older release.", "The sentence of an older release."),
        ({"code": "of_a_newer_release", "parameters": {}}, "", "of_a_newer_release"),
        ({"code": "longest"}, "", "longest"),
    ],
)
def test_entries_of_other_releases_are_shown_as_they_are(
    french: Flask,
    services: Services,
    browse: Browse,
    root: Actor,
    refusal: dict[str, object] | None,
    detail: str,
    seen: str,
) -> None:
    with services.db.begin() as session:
        services.audit.record(session, SYSTEM, "desktop.extend", "desktop-1", detail)
    with services.db.begin() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        entry.is_refused, entry.reason, entry.refusal = True, "longest", refusal
    assert seen in words(browse("root").get("/admin/audit/?refused=yes", headers=FRENCH))
