"""Alice's browser at the whole Winux of tests/site.py, and a screen for an RDP client."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.screen import Screen
from tests.site import Site


@pytest.fixture(scope="module")
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A browser that alice has signed in with; any error on its console fails the test."""
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(site.passwords["alice"])
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def screen() -> Iterator[Screen]:
    with Screen() as screen:
        yield screen
