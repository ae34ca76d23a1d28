"""Protection against attacks: headers, cookies, forgeries, sizes, odd bytes, spoofed addresses."""

import re
from pathlib import Path

import pytest
from flask import Flask

from tests import compilation
from tests.portal import PASSWORD, make_environment
from tests.web.conftest import Browse, Browser
from tests.web.test_routes import ROUTES
from webapp import bootstrap
from webapp.adapters import migration
from webapp.bootstrap import Services
from webapp.config import ROOT, load
from webapp.services.audit.record import SYSTEM, Actor


def make_app(folder: Path, **changes: str) -> tuple[Flask, Services]:
    services = bootstrap.build_services(load(make_environment(folder, **changes)))
    migration.migrate(services.db)
    services.accounts.add_person(SYSTEM, "alice", PASSWORD)
    return compilation.make_app(services), services


@pytest.mark.parametrize("path", ["/sign-in", "/nothing", "/static/mark/css/base.css", "/healthz"])
def test_every_answer_tells_the_browser_what_to_refuse(stranger: Browser, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert re.fullmatch(r"[0-9a-f]{12}", headers["X-Request-ID"])
    assert "Strict-Transport-Security" not in headers


def test_pages_are_kept_by_no_cache_and_marked_files_by_all(stranger: Browser) -> None:
    page = stranger.get("/sign-in")
    assert page.headers["Cache-Control"] == "no-store"
    sheet = re.search(r'href="(/static/[0-9a-f]+/css/base.css)"', page.text)
    assert sheet
    assert "immutable" in stranger.get(sheet[1]).headers["Cache-Control"]
    assert stranger.get("/static/0123456789/js/live.js").headers["Cache-Control"] == "no-cache"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: Browser, alice: Actor
) -> None:
    cookies = stranger.sign_in("alice").headers.getlist("Set-Cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["winux-device", "winux"]
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert re.search("SameSite=(Lax|Strict)", cookie)
        assert "Domain" not in cookie


def test_on_https_the_cookie_is_bound_to_it(tmp_path: Path) -> None:
    app, services = make_app(tmp_path, WINUX_PUBLIC_URL="https://desktops.example.org")
    answer = app.test_client().get("/sign-in", base_url="https://desktops.example.org")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-winux=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    services.db.close()


@pytest.mark.parametrize(
    "endpoint", [name for name, (method, _) in ROUTES.items() if method == "POST"]
)
def test_no_form_works_without_its_token(browse: Browse, ready: str, endpoint: str) -> None:
    browser = browse("alice")
    path = ROUTES[endpoint][1].format(id=ready, sign_in=1, schedule=1, key=1, webhook=1, delivery=1)
    for data in ({}, {"csrf_token": "forged"}):
        assert browser.client.post(path, data=data).status_code == 400
    as_text = browser.client.post(path, data='{"minutes": 5}', content_type="text/plain")
    assert as_text.status_code == 400


def test_one_persons_token_does_not_work_for_another(
    app: Flask, browse: Browse, alice: Actor, bob: Actor, xfce: str
) -> None:
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', browse("bob").get("/").text)
    assert token
    forged = browse("alice").client.post("/desktops/", data={"csrf_token": token[1]})
    assert forged.status_code == 400


def test_a_get_never_launches(browse: Browse, services: Services, alice: Actor, xfce: str) -> None:
    browser = browse("alice")
    for path in ("/?template=xfce&launch_token=x", "/desktops/?template=xfce"):
        browser.get(path)
    override = {"X-HTTP-Method-Override": "POST"}
    browser.get("/desktops/?_method=POST&template=xfce", headers=override)
    assert services.reports.live_desktops(alice.person_id or 0) == []


def test_spoofed_addresses_are_not_believed(app: Flask, services: Services, alice: Actor) -> None:
    spoofer = Browser(app.test_client(), "198.51.100.7")
    page = spoofer.get("/sign-in").text
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', page)
    assert token
    spoofer.client.post(
        "/sign-in",
        data={"csrf_token": token[1], "name": "alice", "password": PASSWORD},
        headers={"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1", "Forwarded": "for=1"},
    )
    (row,) = services.accounts.sign_ins(alice.person_id or 0)
    assert row.source_address == "198.51.100.7"


def test_behind_a_trusted_proxy_the_last_hop_counts(tmp_path: Path) -> None:
    app, services = make_app(tmp_path, WINUX_TRUSTED_PROXIES="1")
    browser = Browser(app.test_client(), "127.0.0.1")
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', browser.get("/sign-in").text)
    assert token
    browser.client.post(
        "/sign-in",
        data={"csrf_token": token[1], "name": "alice", "password": PASSWORD},
        headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.77"},
    )
    assert services.accounts.sign_ins(1)[0].source_address == "192.0.2.77"
    services.db.close()


def test_more_than_any_form_holds_is_refused(stranger: Browser, alice: Actor) -> None:
    for data in ({"name": "a" * 10_000_000}, {f"field{n}": "x" for n in range(5000)}):
        answer = stranger.client.post("/sign-in", data=data)
        assert answer.status_code in {400, 413}
    multipart = stranger.client.post(
        "/sign-in", data={"name": "a" * 200_000}, content_type="multipart/form-data"
    )
    assert multipart.status_code in {400, 413}


@pytest.mark.parametrize(
    "body",
    [b"name=%ff%fe&password=%00", b"\xff\xfe\x00", b"name=a;name=b", b"&&&===", b"name=" * 500],
)
def test_odd_bytes_are_bad_input_not_a_defect(stranger: Browser, body: bytes) -> None:
    answer = stranger.client.post(
        "/sign-in", data=body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/%ff",
        "/desktops/%00",
        "/../etc/passwd",
        "/static/x/../../wsgi.py",
        "/static/x/%2e%2e/wsgi.py",
    ],
)
def test_odd_paths_are_nothing(stranger: Browser, path: str) -> None:
    assert stranger.get(path).status_code in {303, 400, 404}
    assert "create_app" not in stranger.get(path).text


def test_no_template_needs_an_inline_script_or_style() -> None:
    inline = re.compile(
        r"<script(?![^>]*\b(?:src=|type=.application/json))|\son\w+=|\sstyle=|javascript:",
        re.IGNORECASE,
    )
    for file in (ROOT / "templates").rglob("*.html"):
        assert not inline.search(file.read_text()), file


def test_the_log_has_no_query_string_and_no_secret(
    stranger: Browser, alice: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stranger.get("/sign-in?next=/private-thing")
    stranger.sign_in("alice")
    lines = [record for record in caplog.records if record.name == "winux.web"]
    assert {"method", "path", "status", "request"} <= set(vars(lines[0]))
    told = " ".join(str(vars(record)) for record in lines)
    assert "private-thing" not in told
    assert PASSWORD not in told


PUBLIC = "https://desktops.test:18443"
OWN = {"Origin": PUBLIC}


def sign_in_behind_proxy(folder: Path, forwarded: str, headers: dict[str, str]) -> tuple[int, str]:
    """Return status and page of a sign-in; the proxy passes the host without its port."""
    app, services = make_app(folder, WINUX_TRUSTED_PROXIES="1", WINUX_PUBLIC_URL=PUBLIC)
    client = app.test_client()
    told = {"Host": "desktops.test", "X-Forwarded-Proto": "https", "X-Forwarded-For": forwarded}
    page = client.get("/sign-in", base_url="https://desktops.test", headers=told)
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', page.text)
    assert token
    answer = client.post(
        "/sign-in",
        base_url="https://desktops.test",
        data={"csrf_token": token[1], "name": "alice", "password": PASSWORD},
        headers=told | headers,
    )
    if rows := services.accounts.sign_ins(1):
        assert rows[0].source_address == "203.0.113.77"
    services.db.close()
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        {"Referer": f"{PUBLIC}/sign-in"},
        {},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_people_sign_in_behind_a_proxy_that_drops_the_port(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    assert sign_in_behind_proxy(tmp_path, "203.0.113.77:40001", headers)[0] == 303


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"Origin": "https://evil.example"}, "https://evil.example"),
        ({"Origin": "http://desktops.test"}, "http://desktops.test"),
        ({"Referer": "https://evil.example/a?b"}, "https://evil.example"),
        ({"Sec-Fetch-Site": "cross-site"}, "cross-site"),
        ({"Origin": "null"}, "null"),
        ({"Origin": "https://evil.example", "Referer": f"{PUBLIC}/"}, "https://evil.example"),
    ],
)
def test_a_form_of_another_site_is_refused_and_the_cause_named(
    tmp_path: Path, headers: dict[str, str], named: str
) -> None:
    code, page = sign_in_behind_proxy(tmp_path, "::ffff:203.0.113.77", headers)
    assert code == 400
    assert "came from another address" in page
    assert named in page
    assert PUBLIC in page


def test_a_browser_without_cookies_is_told_so(stranger: Browser) -> None:
    answer = stranger.client.post("/sign-in", data={"csrf_token": "x", "name": "alice"})
    assert answer.status_code == 400
    assert "sent no cookie" in answer.text


def test_an_address_counts_as_one_in_whatever_form_it_comes(
    app: Flask, services: Services, alice: Actor
) -> None:
    for form in ("203.0.113.66", "::ffff:203.0.113.66", "::FFFF:cb00:7142", "203.0.113.66:1"):
        Browser(app.test_client(), form).sign_in("alice", "wrong")
    assert (
        Browser(app.test_client(), "::ffff:203.0.113.66").sign_in("alice", "wrong").status_code
        == 401
    )
    assert Browser(app.test_client(), "203.0.113.66").sign_in("alice", PASSWORD).status_code == 429
    elsewhere = Browser(app.test_client(), "::ffff:198.51.100.5")
    assert elsewhere.sign_in("alice", PASSWORD).status_code == 303
