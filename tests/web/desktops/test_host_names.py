"""With a domain for desktops, pages and .rdp files name the desktop instead of its address."""

from pathlib import Path

import pytest

from tests.portal import make_environment
from tests.web.conftest import Browse
from webapp.config import Config, load


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_DESKTOP_DOMAIN="desks.example.org"))


def test_a_page_shows_the_name_that_rdp_programs_need(browse: Browse, ready: str) -> None:
    page = browse("alice").sees(f"/desktops/{ready}")
    assert f"{ready}.desks.example.org:3389" in page
    assert f"xfreerdp /v:{ready}.desks.example.org:3389" in page
    assert "10.203.0.64" not in page


def test_an_rdp_file_opens_the_desktop_by_its_name(browse: Browse, ready: str) -> None:
    file = browse("alice").get(f"/desktops/{ready}/desktop.rdp")
    assert f"full address:s:{ready}.desks.example.org:3389\r\n" in file.text
    assert file.headers["Content-Disposition"] == f'attachment; filename="{ready}.rdp"'


def test_an_administrator_sees_both_name_and_address(
    browse: Browse, ready: str, root: object
) -> None:
    page = browse("root").sees(f"/admin/desktops/{ready}")
    assert f"Name in DNS {ready}.desks.example.org" in page
    assert "Address 10.203.0.64" in page
