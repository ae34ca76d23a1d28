"""A complete Winux for the end-to-end tests: real node, worker, web server, browser and screen."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright

from setup import ownership
from setup.machine import check_port
from setup.portal import Portal
from setup.settings import CHECKOUT, TEST, Settings, settings_from
from setup.template import GoldenTemplate as Published
from tests.e2e.person import Person
from tests.e2e.screen import Screen
from tests.e2e.site import Site
from tests.e2e.witness import Witness
from tests.lab import GoldenTemplate, RealLab

#: Screenshots, kept after the run.
ARTIFACTS = CHECKOUT / "var/test-artifacts"
#: The files that run last, in this order: slow ones, and checks of the whole run.
LAST = (
    "test_the_desktop_warns_of_its_end",
    "test_it_ends_by_itself_and_the_page_says_why",
    "test_no_secret_was_left_or_shown_anywhere",
)
PEOPLE = ("alice", "bob", "carol")
#: Short times, so that tests wait little for automatic actions. The few people of these tests
#: launch more desktops than one person would.
QUICK = {
    "WINUX_LAUNCH_BURST": "100",
    "WINUX_LEASE_SECONDS": "6",
    "WINUX_RECONCILE_SECONDS": "2",
    "WINUX_QUARANTINE_SECONDS": "4",
}
#: Chromium must not contact its vendor's servers.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: Chromium's own error when the machine's addresses change; pages retry automatically.
HARMLESS = "ERR_NETWORK_CHANGED"

Visit = Callable[..., Person]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests of this folder, within the positions that they have among all tests."""
    places = [at for at, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ours = [items[at] for at in places]
    ours.sort(key=lambda item: LAST.index(item.name) if item.name in LAST else -1)
    for at, item in zip(places, ours, strict=True):
        items[at] = item


def _settings(lab: RealLab) -> Settings:
    settings = settings_from(os.environ, "WINUX_TEST_", TEST)
    names = {"bridge": lab.bridge, "subnet": str(lab.subnet), "lab_port": lab.port}
    return replace(settings, folder=settings.folder / "e2e", **names)


@pytest.fixture(scope="session")
def site(lab_node: RealLab, golden_template: GoldenTemplate) -> Iterator[Site]:
    """A portal with one worker, three people and an admin; each run starts empty."""
    settings = _settings(lab_node)
    assert ownership.remove(settings.folder), f"{settings.folder} is not ours"
    ownership.claim(settings.folder, "WINUX_TEST_DIR")
    check_port(settings.listen, settings.port, "WINUX_TEST_PORT")
    key = {"WINUX_GUEST_KEY_FILE": str(golden_template.guest_key)}
    portal = Portal(settings, lab_node.settings("portal"), QUICK | key)
    site = Site(settings, lab_node, portal, golden_template)
    portal.migrate()
    vmid, name, version = golden_template.vmid, golden_template.name, golden_template.version
    portal.publish(Published("", vmid, name, version))
    site.add_person("root", is_admin=True)
    for name in PEOPLE:
        site.add_person(name)
    site.start()
    yield site
    site.end()


@pytest.fixture(scope="session", autouse=True)
def witness(site: Site) -> Iterator[Witness]:
    witness = Witness()
    witness.start()
    yield witness
    witness.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(chromium: Browser, site: Site) -> Iterator[Visit]:
    """A signed-in person in a fresh browser; errors on its console fail the test."""
    contexts, complaints = [], []

    def note(line: ConsoleMessage) -> None:
        if line.type == "error" and HARMLESS not in line.text:
            complaints.append(line.text)

    def make(name: str, **options: object) -> Person:
        size = {"width": 1280, "height": 900}
        context = chromium.new_context(base_url=site.url, viewport=size, **options)
        contexts.append(context)
        person = Person.in_browser(site, context, name)
        person.page.on("pageerror", lambda error: complaints.append(str(error)))
        person.page.on("console", note)
        person.sign_in()
        return person

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def screen() -> Iterator[Screen]:
    with Screen() as screen:
        yield screen


@pytest.fixture(scope="session")
def artifacts() -> Path:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
