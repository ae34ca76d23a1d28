"""The administrators' page of the audit log, and its export."""

import csv
import io
import json
import re
import tracemalloc

import pytest

from tests.portal import SteppingClock
from tests.web.conftest import Browse, Browser
from webapp.bootstrap import Services
from webapp.domain.errors import NotFound
from webapp.services.audit.export import to_csv, to_json
from webapp.services.audit.log import AuditFilter
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def launched(services: Services, alice: Actor, bob: Actor, root: Actor, xfce: str) -> str:
    """A desktop of alice; bob's attempt to stop it was refused, and root stopped it."""
    public_id = services.launcher.launch(alice, LaunchRequest())
    with pytest.raises(NotFound):
        services.lifetime.stop(bob, public_id)
    services.lifetime.stop(root, public_id)
    return public_id


def test_entries_are_sentences_that_lead_to_the_thing(browse: Browse, launched: str) -> None:
    browser = browse("root")
    page = browser.sees("/admin/audit/")
    assert f"alice launched {launched}" in page
    assert f"Refused bob could not stop {launched}" in page
    assert f"root stopped {launched}" in page
    assert f'href="/admin/desktops/{launched}"' in browser.get("/admin/audit/").text


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("person=alice", "alice launched", "could not stop"),
        ("refused=yes", "could not stop", "alice launched"),
        ("action=desktop.stop", "root stopped", "alice launched"),
        ("action=desktop", "alice launched", "signed in"),
        ("object={id}&person=root", "root stopped", "bob"),
        ("person=winux:machine", "No entry matches", "alice launched"),
        ("to=2026-03-01", "No entry matches", "alice launched"),
        ("from=2026-03-02&to=2026-03-02", "alice launched", "No entry matches"),
        ("from=2026-03-02T09:00", "alice launched", "No entry matches"),
        ("from=2026-03-02T10:01%2B01:00", "No entry matches", "alice launched"),
    ],
)
def test_filters_narrow_it_down(
    browse: Browse, launched: str, query: str, seen: str, unseen: str
) -> None:
    page = browse("root").sees(f"/admin/audit/?{query.format(id=launched)}")
    told = page.partition("What happened")[2].partition("Winux: desktops when you need")[0]
    assert seen in told
    assert unseen not in told


def test_what_was_done_with_a_key_names_it(
    services: Services, browse: Browse, alice: Actor, root: Actor, xfce: str
) -> None:
    text = services.keys.make(alice, "night script", ["launch"]).text
    holder = services.keys.identify(text, "192.0.2.9")
    assert holder
    services.launcher.launch(holder.actor("192.0.2.9"), LaunchRequest())
    page = browse("root").sees(f"/admin/audit/?key={text[:11]}")
    assert "alice launched" in page
    assert f"night script {text[:11]}" in page
    assert text not in page


@pytest.mark.parametrize(
    "query", ["from=yesterday", "before=x", "before=1&after=2", "to=9999-12-31"]
)
def test_what_makes_no_sense_is_said_and_the_form_kept(
    browse: Browse, root: Actor, query: str
) -> None:
    answer = browse("root").get(f"/admin/audit/?person=alice&{query}")
    assert answer.status_code == 400
    assert 'value="alice"' in answer.text


def test_older_and_newer_lead_through_all_of_it_with_the_filter(
    services: Services, browse: Browse, root: Actor
) -> None:
    for number in range(120):
        with services.db.begin() as session:
            services.audit.record(session, SYSTEM, "desktop.ready", f"desktop-{number:08}")
    browser = browse("root")
    seen: list[str] = []
    path = "/admin/audit/?action=desktop.ready"
    while path:
        page = browser.get(path).text
        seen += re.findall(r">(desktop-\d{8})<", page)
        found = re.search(r'rel="next"\s+href="([^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
        assert not path or "action=desktop.ready" in path
    assert seen == [f"desktop-{number:08}" for number in reversed(range(120))]
    back = re.search(r'rel="prev"\s+href="([^"]+)"', page)
    assert back is not None
    assert "desktop-00000069" in browser.get(back[1].replace("&amp;", "&")).text


def test_the_csv_has_what_the_filter_finds_and_no_formulas(
    services: Services, browse: Browse, root: Actor, launched: str
) -> None:
    evil = '=HYPERLINK("http://203.0.113.9","x")'
    with services.db.begin() as session:
        services.audit.record(session, SYSTEM, "desktop.ready", "@SUM(A1)", evil)
    browser = browse("root")
    answer = browser.get("/admin/audit/export.csv?action=desktop")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == [
        "desktop.ready",
        "desktop.stop",
        "desktop.stop",
        "desktop.launch",
    ]
    assert (rows[0]["subject"], rows[0]["detail"]) == ("'@SUM(A1)", f"'{evil}")
    assert (rows[2]["is_refused"], rows[2]["reason"], rows[2]["person"]) == (
        "yes",
        "not_found",
        "bob",
    )
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_the_json_is_an_array_also_when_nothing_matches(
    browse: Browse, root: Actor, launched: str
) -> None:
    browser = browse("root")
    rows = json.loads(browser.get("/admin/audit/export.json?person=alice&action=desktop").text)
    assert [(row["person"], row["subject"], row["role"]) for row in rows] == [
        ("alice", launched, "person")
    ]
    assert rows[0]["at"] == "2026-03-02T09:00:00Z"
    assert json.loads(browser.get("/admin/audit/export.json?person=nobody").text) == []


def test_exporting_is_an_entry_too(browse: Browse, root: Actor) -> None:
    browser = browse("root")
    browser.get("/admin/audit/export.csv?person=alice")
    page = browser.sees("/admin/audit/?action=audit.export")
    assert "root exported the audit log as csv" in page
    assert "person=alice" in page


@pytest.mark.timeout(240)  # tracing memory is slow on a loaded machine
def test_an_export_of_much_stays_small_in_memory(services: Services, alice: Actor) -> None:
    with services.db.begin() as session:
        for _ in range(10_000):
            services.audit.record(session, alice, "desktop.launch", "desktop-1", "x" * 400)
    for write in (to_csv, to_json):
        tracemalloc.start()
        size = sum(len(text) for text in write(services.audit_log.entries(AuditFilter())))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > 4_500_000
        assert peak < 4_000_000


def test_opening_an_admins_page_without_being_one_is_an_entry(
    browse: Browse, alice: Actor, root: Actor
) -> None:
    browse("alice").get("/admin/desktops/")
    assert "alice was refused access to /admin/desktops/" in browse("root").sees(
        "/admin/audit/?refused=1"
    )


def test_an_action_of_another_release_is_shown_as_it_is(
    services: Services, browse: Browse, root: Actor, clock: SteppingClock
) -> None:
    with services.db.begin() as session:
        services.audit.record(session, root, "moon.%(x)s", "<b>landing</b>")
    browser = browse("root")
    assert "root : moon.%(x)s <b>landing</b>" in browser.sees("/admin/audit/")
    assert "<b>landing" not in browser.get("/admin/audit/").text


def test_calling_what_a_keys_scope_does_not_allow_is_an_entry(
    services: Services, stranger: Browser, browse: Browse, root: Actor
) -> None:
    text = services.keys.make(root, "reader", ["read"]).text
    assert stranger.get("/api/v1/people", headers={"X-API-Key": text}).status_code == 403
    told = browse("root").sees(f"/admin/audit/?refused=1&key={text[:11]}")
    assert "root was refused access to GET /api/v1/people" in told
