"""One whole Winux for the end-to-end tests, with a browser to look at it."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from setup.machine import only_one
from setup.progress import Progress
from setup.settings import CHECKOUT, TEST, Settings, settings_from
from setup.stack import STEPS, Stack
from tests.e2e.screen import Screen

#: Pictures of what was seen, kept after the run.
ARTIFACTS = CHECKOUT / "var/artifacts"


@dataclass(frozen=True)
class Site:
    """A running portal and the passwords of its people."""

    settings: Settings
    stack: Stack
    passwords: dict[str, str]

    @property
    def url(self) -> str:
        return self.settings.url


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    settings = settings_from(os.environ, "WINUX_TEST_", TEST)
    stack = Stack(settings, Progress(STEPS, sys.stderr))
    with only_one(settings):
        try:
            stack.check()
            stack.prepare_machine()
            portal = stack.start()
            stack.end_desktops()
            people = {"admin": portal.make_person("admin", is_admin=True)}
            people["alice"] = portal.make_person("alice")
            yield Site(settings, stack, people)
        finally:
            stack.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


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


@pytest.fixture(scope="session")
def artifacts() -> Path:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
