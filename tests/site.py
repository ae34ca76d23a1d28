"""One whole Winux for the tests that need all of it, with a browser to look at it."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from setup.machine import only_one
from setup.progress import Progress
from setup.settings import CHECKOUT, TEST, Settings, settings_from
from setup.stack import STEPS, Stack

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

    @property
    def database(self) -> Path:
        return self.settings.folder / "winux.db"


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


@pytest.fixture(scope="session")
def artifacts() -> Path:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
