"""The desktop in the browser: its page, its ticket, its heartbeat and its close message."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.connection_rows import open_to_server
from tests.portal import PASSWORD, SteppingClock
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import launch, row
from webapp.bootstrap import Services
from webapp.domain.connections.target import Door, Protocol, TargetKind
from webapp.domain.states import State
from webapp.models import Connection, Desktop, SignIn
from webapp.services.audit.record import Actor
from webapp.services.connections.admission import Client
from webapp.web.vendor import ENCODINGS, FOLDER, manifest

SETTINGS = re.compile(r'<script type="application/json" id="desktop-view-settings">(.*?)</script>')


@pytest.fixture
def alices(browse: Browse, ready: str) -> Browser:
    return browse("alice")


def settings_of(browser: Browser, public_id: str) -> dict[str, object]:
    page = browser.get(f"/desktops/{public_id}/view")
    assert page.status_code == 200
    found = SETTINGS.search(page.text)
    assert found
    return json.loads(found[1])


def test_the_page_tells_its_script_where_everything_is(alices: Browser, ready: str) -> None:
    settings = settings_of(alices, ready)
    urls = settings["urls"]
    assert isinstance(urls, dict)
    assert urls["ticket"] == f"/desktops/{ready}/view/ticket"
    assert urls["ping"] == "http://127.0.0.1:8081/gateway/ping"
    assert settings["module_url"] == f"/vendor/{manifest()['rdp.js']}"
    assert settings["extend_minutes"] == 30


def test_no_password_is_in_the_page_or_the_ticket(
    services: Services, alice: Actor, alices: Browser, ready: str
) -> None:
    password = services.credentials.reveal(alice, ready).password
    answer = alices.post(f"/desktops/{ready}/view/ticket", keyboard_layout="us")
    assert answer.status_code == 200
    for text in (alices.get(f"/desktops/{ready}/view").text, answer.text):
        assert password not in text


def test_a_ticket_is_new_each_time_and_in_no_list(alices: Browser, ready: str) -> None:
    tickets = [
        alices.post(f"/desktops/{ready}/view/ticket", keyboard_layout="pl").json for _ in range(2)
    ]
    first, second = (ticket["ticket"] for ticket in tickets)
    assert first != second
    assert tickets[0]["gateway_url"] == "ws://127.0.0.1:8081/gateway/rdp"
    assert (tickets[0]["clipboard_in"], tickets[0]["clipboard_out"]) == (True, True)
    for path in (f"/desktops/{ready}", "/desktops/", f"/desktops/{ready}/view"):
        assert first not in alices.get(path).text


def test_an_unknown_keyboard_layout_is_refused_in_words(alices: Browser, ready: str) -> None:
    answer = alices.post(f"/desktops/{ready}/view/ticket", keyboard_layout="klingon")
    assert answer.status_code == 400
    assert "layout" in answer.json["message"]
    assert answer.json["again"] is False


@pytest.mark.parametrize("act", ["ticket", "heartbeat", "extend", "stop", "left", "end-on-close"])
def test_nothing_is_done_without_the_pages_token(alices: Browser, ready: str, act: str) -> None:
    assert alices.client.post(f"/desktops/{ready}/view/{act}").status_code == 400


@pytest.mark.parametrize("act", ["ticket", "heartbeat", "extend", "stop", "left", "end-on-close"])
def test_for_others_it_does_not_exist(browse: Browse, bob: Actor, ready: str, act: str) -> None:
    answer = browse("bob").post(f"/desktops/{ready}/view/{act}")
    assert answer.status_code == 404
    assert answer.json["again"] is False


def test_a_desktop_that_is_not_ready_waits_on_its_own_page(
    services: Services, alice: Actor, browse: Browse, xfce: str
) -> None:
    public_id = launch(services, alice)
    browser = browse("alice")
    answer = browser.get(f"/desktops/{public_id}/view")
    assert (answer.status_code, answer.location) == (303, f"/desktops/{public_id}")
    ticket = browser.post(f"/desktops/{public_id}/view/ticket")
    assert ticket.status_code == 409
    assert ticket.json["message"]


def test_a_heartbeat_tells_the_time_left(clock: SteppingClock, alices: Browser, ready: str) -> None:
    before = alices.post(f"/desktops/{ready}/view/heartbeat").json
    assert (before["deadline_at"], before["extend_minutes"]) == ("2026-03-02T09:30:00Z", 30)
    after = alices.post(f"/desktops/{ready}/view/extend").json
    assert after["deadline_at"] == "2026-03-02T10:00:00Z"


def test_extending_beyond_the_limit_is_refused_in_words(alices: Browser, ready: str) -> None:
    answers = [alices.post(f"/desktops/{ready}/view/extend") for _ in range(9)]
    assert [answer.status_code for answer in answers][:7] == [200] * 7
    assert answers[-1].status_code in {400, 409}
    assert answers[-1].json["message"]


def test_stop_ends_it(services: Services, alices: Browser, ready: str) -> None:
    assert alices.post(f"/desktops/{ready}/view/stop").status_code == 200
    assert row(services, ready).state is State.STOPPING


def test_a_closed_tab_ends_only_a_desktop_that_was_told_so(
    services: Services, alices: Browser, ready: str
) -> None:
    alices.post(f"/desktops/{ready}/view/left")
    assert row(services, ready).left_at is None
    told = alices.post(f"/desktops/{ready}/view/end-on-close", wanted="yes")
    assert told.json["end_on_close"] is True
    assert alices.post(f"/desktops/{ready}/view/left").status_code == 204
    assert row(services, ready).left_at is not None
    alices.post(f"/desktops/{ready}/view/heartbeat")
    assert row(services, ready).left_at is None


def test_who_is_signed_out_is_told_so_and_not_sent_elsewhere(stranger: Browser, ready: str) -> None:
    headers = {"X-Live": "1", "X-CSRFToken": "none"}
    answer = stranger.client.post(f"/desktops/{ready}/view/heartbeat", headers=headers)
    assert answer.status_code in {400, 401}
    assert stranger.get(f"/desktops/{ready}/view").status_code == 303


def test_the_desktops_page_offers_it_and_fetches_the_viewer_ahead(
    alices: Browser, ready: str
) -> None:
    page = alices.get(f"/desktops/{ready}").text
    assert f'href="/desktops/{ready}/view"' in page
    for name, file in manifest().items():
        assert (f"/vendor/{file}" in page) is name.startswith("rdp."), name


@pytest.mark.parametrize("name", ["rdp.js", "rdp.wasm"])
def test_modules_are_served_as_the_browser_takes_them(stranger: Browser, name: str) -> None:
    file = manifest()[name]
    plain = stranger.get(f"/vendor/{file}")
    assert plain.data == (FOLDER / file).read_bytes()
    plain.close()
    for encoding, suffix in ENCODINGS.items():
        answer = stranger.get(f"/vendor/{file}", headers={"Accept-Encoding": encoding})
        assert answer.headers["Content-Encoding"] == encoding
        assert answer.data == (FOLDER / f"{file}{suffix}").read_bytes()
        assert answer.mimetype == plain.mimetype
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Accept-Encoding" in answer.headers["Vary"]
        answer.close()


def test_nothing_else_is_served_beside_the_modules(stranger: Browser) -> None:
    for name in ("manifest.json", ".made-from", "../css/base.css", "..%2fcss%2fbase.css"):
        assert stranger.get(f"/vendor/{name}").status_code == 404


def test_admins_see_who_is_connected_and_cut_it(
    services: Services, alice: Actor, browse: Browse, root: Actor, ready: str
) -> None:
    sign_in = services.accounts.signed_in(
        services.accounts.sign_in("alice", PASSWORD, "192.0.2.1", "")
    )
    assert sign_in
    ticket = services.tickets.issue(alice, ready, sign_in_id=sign_in.sign_in_id)
    admitted = services.tickets.redeem(
        ticket.token, Client(Door.BROWSER_VIEW, "192.0.2.77", "Mozilla/5.0 Firefox/150.0")
    )
    admin = browse("root")
    shown = admin.sees("/admin/connections/")
    for text in ("alice", ready, "RDP, in the browser", "192.0.2.77", "Firefox"):
        assert text in shown
    (connection,) = services.connections.open_connections().rows
    answer = admin.post(f"/admin/connections/{connection.public_id}/cut")
    assert answer.status_code == 303
    assert admitted.connection_id in services.connections.endings([admitted.connection_id])


def test_a_connection_to_a_server_is_shown_without_a_desktop(
    services: Services, alice: Actor, browse: Browse, root: Actor
) -> None:
    open_to_server(services, alice)
    shown = words(browse("root").get("/admin/connections/"))
    assert "server-1 RDP, in the browser" in shown


def test_many_connections_are_shown_a_page_at_a_time(
    services: Services, alice: Actor, browse: Browse, root: Actor, ready: str
) -> None:
    admin = browse("root")
    now = services.clock.now()
    with services.db.begin() as session:
        desktop = session.scalars(select(Desktop)).one()
        sign_in = session.scalars(select(SignIn)).first()
        for number in range(30):
            session.add(
                Connection(
                    public_id=f"connection-{number:08x}",
                    protocol=Protocol.RDP,
                    door=Door.BROWSER_VIEW,
                    target_kind=TargetKind.DESKTOP,
                    target_id=desktop.public_id,
                    desktop=desktop,
                    person=desktop.owner,
                    sign_in=sign_in,
                    source_address=f"192.0.2.{number + 100}",
                    user_agent="",
                    started_at=now + timedelta(seconds=number),
                    seen_at=now,
                )
            )
    newest = admin.sees("/admin/connections/")
    assert "1–25 of 30" in newest
    assert "192.0.2.129" in newest
    assert "192.0.2.104" not in newest
    oldest = admin.sees("/admin/connections/?page=2")
    assert "26–30 of 30" in oldest
    assert "192.0.2.104" in oldest
    assert "192.0.2.100" in words(admin.live("/admin/connections/live?page=2"))


def test_only_admins_see_connections(browse: Browse, bob: Actor, ready: str) -> None:
    browser = browse("bob")
    for path in ("/admin/connections/", "/admin/connections/live"):
        assert browser.get(path).status_code == 403
    assert browser.post("/admin/connections/connection-00000000/cut").status_code == 403
