"""`EventSource` in Chromium: with the sign-in cookie, a page of the portal follows a desktop."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.api_site import ApiSite, api_site
from tests.portal import PASSWORD
from tests.web.test_browser import QUIET
from tests.worker.life import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

FOLLOW = """link => new Promise((done, failed) => {
    const heard = [], source = new EventSource(link, {withCredentials: true});
    for (const name of ["session", "step", "state", "deadline", "end"])
        source.addEventListener(name, event => heard.push([name, JSON.parse(event.data).status]));
    source.addEventListener("end", () => setTimeout(() => done([heard, source.readyState]), 6000));
    source.onerror = () => source.readyState === EventSource.CLOSED && !heard.length && failed();
    setTimeout(failed, 40000);
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    with api_site(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture(scope="module")
def page(site: ApiSite) -> Iterator[Page]:
    """A signed-in page of the portal's origin; the gateway has another port."""
    site.person("alice")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        # the portal's policy allows its scripts only one origin
        page = chromium.new_page(bypass_csp=True)
        page.goto(f"{site.url}/sign-in")
        page.fill("[name=name]", "alice")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"{site.url}/")
        yield page
        chromium.close()


def test_a_page_hears_a_whole_life_and_the_stream_stays_closed(site: ApiSite, page: Page) -> None:
    token = page.evaluate(
        """async () => (await (await fetch("/")).text())
            .match(/name="csrf_token"[^>]* value="([^"]+)"/)[1]"""
    )
    launched = page.evaluate(
        """async token => (await fetch("/api/v1/sessions", {
            method: "POST", body: "{}",
            headers: {"Content-Type": "application/json", "X-CSRFToken": token},
        })).json()""",
        token,
    )
    public_id = launched["session_sub"]
    until(lambda: _status(page, public_id) == "ready", 20)
    page.evaluate(
        """([id, token]) => setTimeout(() => fetch(`/api/v1/sessions/${id}/stop`,
            {method: "POST", headers: {"X-CSRFToken": token}}), 1500)""",
        [public_id, token],
    )
    heard, state = page.evaluate(FOLLOW, launched["links"]["events"])
    assert heard[0] == ["session", "ready"]
    assert heard[-1] == ["end", "ended"]
    assert [one[0] for one in heard].count("end") == 1
    assert state == 2, "EventSource comes back until it is told that there is nothing more"


def _status(page: Page, public_id: str) -> str:
    answer = page.evaluate("async id => (await fetch(`/api/v1/sessions/${id}`)).json()", public_id)
    return str(answer["status"])
