"""The manifest of the portal as an app. tests/web/test_browser.py installs it."""

import json
import re

import pytest

from tests.web.conftest import Browse, Browser
from webapp.config import ROOT
from webapp.services.audit.record import Actor

LINK = '<link rel="manifest" href="/app.webmanifest">'


def test_anybody_may_read_it_and_keep_it_for_a_while(stranger: Browser) -> None:
    answer = stranger.get("/app.webmanifest")
    assert answer.content_type == "application/manifest+json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Accept-Language" in answer.headers["Vary"]
    assert "Set-Cookie" not in answer.headers


def test_its_addresses_are_those_of_the_portal_wherever_it_is(stranger: Browser) -> None:
    answer = stranger.get("/app.webmanifest", base_url="http://desktops.example.org:8443")
    manifest = json.loads(answer.text)
    links = [*manifest["icons"], *(icon for way in manifest["shortcuts"] for icon in way["icons"])]
    addresses = [manifest["id"], manifest["start_url"], manifest["scope"]]
    addresses += [link["src"] for link in links] + [way["url"] for way in manifest["shortcuts"]]
    assert [address for address in addresses if not re.match(r"/(?!/)|/$", address)] == []
    assert {stranger.get(link["src"]).status_code for link in links} == {200}


@pytest.mark.parametrize("path", ["/", "/desktops/{id}", "/desktops/{id}/view", "/nothing"])
def test_every_page_leads_to_it(browse: Browse, alice: Actor, ready: str, path: str) -> None:
    page = browse("alice").get(path.format(id=ready))
    head = page.text.partition("</head>")[0]
    assert LINK in head
    assert 'rel="apple-touch-icon"' in head
    assert 'name="theme-color"' in head
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]


def test_its_colours_are_those_of_the_pages(stranger: Browser) -> None:
    manifest = json.loads(stranger.get("/app.webmanifest").text)
    tokens = (ROOT / "static/css/tokens.css").read_text()
    assert f"--page: light-dark({manifest['background_color']}," in tokens
    assert f"--surface: light-dark({manifest['theme_color']}," in tokens
    view = (ROOT / "static/css/desktop-view.css").read_text()
    colour = re.search(r"\.desktop-view body \{[^}]*background: (#\w+);", view)
    assert colour
    template = (ROOT / "templates/desktop_view.html").read_text()
    assert f'<meta name="theme-color" content="{colour[1]}">' in template


def test_icons_are_light(stranger: Browser) -> None:
    icons = list((ROOT / "static/img").glob("icon-*.png"))
    assert icons
    assert [icon.name for icon in icons if icon.stat().st_size > 20_000] == []
