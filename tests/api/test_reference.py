"""The API reference page in Chromium, under the portal's own strict policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.api.server import Served, serving
from tests.portal import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def page(served: Served) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page(base_url=served.url, viewport={"width": 1280, "height": 1000})
        page.goto("/sign-in")
        page.get_by_label("Name").fill("alice")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("/")
        yield page
        browser.close()


def test_it_is_read_and_tried_with_ones_own_sign_in(page: Page, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.get_by_role("link", name="API", exact=True).click()
    reference = page.locator("[data-api-reference]")
    expect(reference.locator("#operations-sessions-launch_session")).to_be_visible(timeout=60_000)
    launch = page.locator("#operations-sessions-launch_session")
    launch.get_by_role("button").first.click()
    launch.get_by_role("button", name="Try it out").click()
    launch.get_by_role("button", name="Execute").click()
    answer = launch.locator(".live-responses-table .response .response-col_status").first
    expect(answer).to_contain_text("201", timeout=60_000)
    page.screenshot(path=tmp_path / "api.png")
    assert complaints == []
