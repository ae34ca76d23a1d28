"""What only a browser can test: the pages in Chromium, by keyboard, without scripts, at any
size."""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from sqlalchemy import func, select
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.portal import PASSWORD, SteppingClock
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import Desktop
from webapp.services.audit.record import Actor

# Never run these beside the tests with real containers (`make test` runs those later): Chromium
# drops its connections, even those to 127.0.0.1, each time an interface gets an address.
pytestmark = [
    pytest.mark.browser,
    # The test's own server keeps a file open when Chromium cancels a download.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

#: Chromium's own warnings about these, which are not errors of the pages.
HARMLESS = ("ERR_NETWORK_CHANGED", "401 (UNAUTHORIZED)")

#: Chromium must not contact its vendor's servers.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDTHS = (360, 768, 1280, 2560)

OpenPage = Callable[..., Page]


class QuietHandler(WSGIRequestHandler):
    """Serves without a log, because the application writes its own."""

    def log_request(self, *_: object) -> None:
        """Write nothing."""


def chromium_program() -> str:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("these tests need Chromium: apt-get install chromium (`make test` does)")
    return program


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Chromium]:
    browser = playwright.chromium.launch(executable_path=chromium_program(), args=QUIET)
    yield browser
    browser.close()


@pytest.fixture
def own_chromium(playwright: Playwright, site: str, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser with a profile, which can install apps; it adds them to private menus."""
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    context = playwright.chromium.launch_persistent_context(
        tmp_path / "profile",
        executable_path=chromium_program(),
        args=QUIET,
        env={**os.environ, **home},
        base_url=site,
        no_viewport=True,
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on a real port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def open_page(chromium: Chromium, site: str) -> Iterator[OpenPage]:
    """A page of a fresh browser with a signed-in person; errors on its console fail the test."""
    contexts, complaints = [], []

    def note(line: ConsoleMessage) -> None:
        if line.type == "error" and not any(word in line.text for word in HARMLESS):
            complaints.append(line.text)

    def make(name: str = "", **options: object) -> Page:
        context = chromium.new_context(base_url=site, **options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", note)
        if name:
            sign_in(page, name)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def count_desktops(services: Services) -> int:
    with services.db.read() as session:
        return session.scalar(select(func.count(Desktop.id))) or 0


def test_from_sign_in_to_launch_with_the_keyboard_alone(
    open_page: OpenPage, services: Services, alice: Actor, xfce: str
) -> None:
    page = open_page()
    page.goto("/")
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    button = page.get_by_role("button", name="Launch desktop")
    for _ in range(15):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", "what has the focus can be seen"
        if button.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/desktops/desktop-*")
    assert count_desktops(services) == 1


def test_everything_needed_works_without_scripts(
    open_page: OpenPage, services: Services, alice: Actor, xfce: str, worker: WorkerServices
) -> None:
    page = open_page("alice", java_script_enabled=False)
    page.get_by_role("button", name="Launch desktop").click()
    expect(page.get_by_role("heading", name="is waiting in the queue")).to_be_visible()
    worker.builder.build_one()
    # The page refreshes itself every second.
    expect(page.get_by_role("heading", name="Your desktop is ready")).to_be_visible(timeout=15_000)
    assert page.get_by_role("button", name="Copy computer").count() == 0, "no dead buttons"
    secret = services.credentials.reveal(
        alice, services.reports.live_desktops(alice.person_id or 0)[0].public_id
    ).password
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(secret)).to_be_visible()
    page.get_by_role("link", name="Hide").click()
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("button", name="Extend by 30 min").click()
    expect(page.get_by_text("Extended by 30 min.")).to_be_visible()
    page.get_by_role("link", name="Stop now").click()
    page.get_by_role("button", name="Stop now").click()
    expect(page.get_by_role("heading", name="is being removed")).to_be_visible()


def test_the_page_follows_the_launch_without_jumping(
    open_page: OpenPage, services: Services, alice: Actor, xfce: str, worker: WorkerServices
) -> None:
    page = open_page("alice")
    page.get_by_role("button", name="Launch desktop").click()
    status = page.get_by_role("status").filter(has_text="is waiting in the queue")
    expect(status).to_be_visible()
    assert status.get_attribute("aria-live") == "polite"
    page.evaluate(
        """() => { window.sameDocument = true; window.shift = 0;
        new PerformanceObserver(list => list.getEntries().forEach(e => window.shift += e.value))
            .observe({type: "layout-shift"}); }"""
    )
    page.wait_for_timeout(2500)
    assert page.evaluate("window.shift") == 0, "refreshing what has not changed moves nothing"
    worker.builder.build_one()
    expect(page.get_by_role("heading", name="Your desktop is ready")).to_be_visible(timeout=15_000)
    assert page.evaluate("window.sameDocument"), "the page was not reloaded"


def test_a_double_click_launches_once(
    open_page: OpenPage, services: Services, alice: Actor, xfce: str
) -> None:
    page = open_page("alice")
    page.get_by_role("button", name="Launch desktop").dblclick(no_wait_after=True)
    page.wait_for_url("**/desktops/desktop-*")
    assert count_desktops(services) == 1


def test_back_and_reload_never_launch_again(
    open_page: OpenPage, services: Services, alice: Actor, xfce: str
) -> None:
    page = open_page("alice")
    page.get_by_role("button", name="Launch desktop").click()
    page.wait_for_url("**/desktops/desktop-*")
    page.reload()
    page.go_back()
    page.reload()
    page.go_forward()
    page.go_back()
    assert count_desktops(services) == 1


def test_time_left_counts_down_as_clock_and_ring(open_page: OpenPage, ready: str) -> None:
    page = open_page("alice")
    page.goto(f"/desktops/{ready}")
    clock = page.locator("[data-countdown-text]").first
    ring = page.locator("[data-countdown-ring]").first
    before, arc = clock.inner_text(), ring.get_attribute("stroke-dasharray")
    assert re.fullmatch(r"(30:00|29:\d\d)", before)
    expect(clock).not_to_have_text(before)
    expect(ring).not_to_have_attribute("stroke-dasharray", arc or "")


def test_times_are_in_the_persons_own_zone(
    open_page: OpenPage, ready: str, clock: SteppingClock
) -> None:
    page = open_page("alice", timezone_id="Europe/Warsaw")
    page.goto(f"/desktops/{ready}")
    # 09:30 UTC at the beginning of March.
    expect(page.locator("time[data-hour]").first).to_have_text("10:30")


def test_copy_and_reveal(open_page: OpenPage, services: Services, alice: Actor, ready: str) -> None:
    page = open_page("alice", permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/desktops/{ready}")
    secret = services.credentials.reveal(alice, ready).password
    page.get_by_role("button", name="Copy computer").click()
    assert page.evaluate("navigator.clipboard.readText()") == "10.203.0.64:3389"
    expect(page.get_by_text("Copied")).to_be_visible()
    page.get_by_role("button", name="Copy password").click()
    page.wait_for_function(
        "secret => navigator.clipboard.readText().then(t => t === secret)", arg=secret
    )
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(secret)).to_be_visible()
    # A refresh of the live region does not hide a shown password.
    with page.expect_response("**/live"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(200)
    expect(page.get_by_text(secret)).to_be_visible()
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_text(secret)).to_have_count(0)


def test_stop_asks_in_a_dialog_that_escape_leaves(
    open_page: OpenPage, services: Services, ready: str
) -> None:
    page = open_page("alice")
    page.goto(f"/desktops/{ready}")
    page.get_by_role("link", name="Stop now").click()
    dialog = page.get_by_role("dialog", name=f"Stop {ready}?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("link", name="Stop now")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Stop now").click()
    expect(page.get_by_role("heading", name="is being removed")).to_be_visible()


def test_colours_change_at_once_and_stay(open_page: OpenPage, alice: Actor, xfce: str) -> None:
    page = open_page("alice")
    page.get_by_label("Your menu").click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-look") == "dark"


def test_the_frame_of_the_window_has_the_colour_of_the_header(
    open_page: OpenPage, alice: Actor, xfce: str
) -> None:
    page = open_page("alice", color_scheme="light")
    assert frame(page) == [header(page)]
    page.get_by_label("Your menu").click()
    for look in ("Dark", "Light", "Auto", "Dark"):
        page.get_by_role("button", name=look).click()
        assert frame(page) == [header(page)], look
    page.reload()
    assert frame(page) == [header(page)], "also in the first paint"


def frame(page: Page) -> list[str]:
    """Return the colours that the page defines, in the notation of its styles."""
    colours: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("meta[name=theme-color]")]
            .filter(({media}) => matchMedia(media).matches)
            .map(({content}) => Object.assign(new Option().style, {color: content}).color)"""
    )
    return colours


def header(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.querySelector('.top')).backgroundColor")
    return colour


def test_a_page_whose_sign_in_ended_asks_for_it(
    open_page: OpenPage, services: Services, alice: Actor, xfce: str
) -> None:
    page = open_page("alice")
    page.get_by_role("button", name="Launch desktop").click()
    page.wait_for_url("**/desktops/desktop-*")
    for row in services.accounts.sign_ins(alice.person_id or 0):
        services.accounts.end_sign_in(alice, row.id)
    page.wait_for_url(re.compile(r"/sign-in\?next="), timeout=15_000)


def addresses(ready: str) -> list[str]:
    own = ["/", "/desktops/", f"/desktops/{ready}", f"/desktops/{ready}/stop", "/account/"]
    return [*own, "/admin/", "/admin/desktops/?state=all", f"/admin/desktops/{ready}"]


@pytest.fixture
def everything(
    services: Services, root: Actor, xfce: str, worker: WorkerServices, clock: SteppingClock
) -> list[str]:
    """Root has a ready, a building and an ended desktop; returns the pages that show them."""
    ended = launch(services, root)
    clock.step(seconds=7)
    worker.builder.build_one()
    services.lifetime.stop(root, ended)
    worker.teardown.teardown_one()
    ready = launch(services, root)
    worker.builder.build_one()
    making = launch(services, root)
    return [*addresses(ready), f"/desktops/{making}", f"/desktops/{ended}"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_sideways(
    open_page: OpenPage, everything: list[str], width: int
) -> None:
    page = open_page("root", viewport={"width": width, "height": 800})
    for path in everything:
        page.goto(path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, path


@pytest.mark.sampled(1)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_keeps_people_out(open_page: OpenPage, everything: list[str], colours: str) -> None:
    """Contrast, names, order of headings and more, as checked by axe."""
    page = open_page("root", color_scheme=colours, reduced_motion="reduce")
    axe = Axe()
    for path in everything:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details.fold').forEach(fold => fold.open = true)")
        found = axe.run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
    page.context.clear_cookies()
    page.goto("/sign-in")
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_administrators_find_while_typing_and_tick_many(
    open_page: OpenPage, services: Services, root: Actor, bob: Actor, ready: str
) -> None:
    other = launch(services, bob)
    page = open_page("root")
    page.goto("/admin/desktops/")
    box = page.get_by_role("searchbox")
    box.press_sequentially("bob")
    expect(page.get_by_role("link", name=ready)).to_have_count(0)
    expect(page.get_by_role("link", name=other)).to_be_visible()
    expect(box).to_be_focused()
    assert "q=bob" in page.url, "the address can be kept and sent"
    box.fill("")
    expect(page.get_by_role("link", name=ready)).to_be_visible()
    page.get_by_role("checkbox", name="Tick all").check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    # A refresh of the list keeps the ticks.
    with page.expect_response("**/live?*"):
        page.evaluate("document.dispatchEvent(new CustomEvent('live:now'))")
    page.wait_for_timeout(200)
    expect(page.get_by_text("2 ticked")).to_be_visible()
    page.get_by_role("button", name="Stop ticked ones").click()
    expect(page.get_by_role("heading", name="Stop 2 desktops?")).to_be_visible()
    page.get_by_role("button", name="Stop now").click()
    expect(page.get_by_text("2 desktops are being stopped.")).to_be_visible()


def test_the_portal_is_installed_as_an_app(own_chromium: BrowserContext, ready: str) -> None:
    page = own_chromium.pages[0]
    sign_in(page, "alice")
    devtools = own_chromium.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert devtools.send("Page.getInstallabilityErrors") == {"installabilityErrors": []}
    app_id = {"manifestId": page.url}
    devtools.send("PWA.install", app_id)
    devtools.send("PWA.changeAppUserSettings", {**app_id, "displayMode": "standalone"})
    with own_chromium.expect_page() as opened:
        devtools.send("PWA.launch", app_id)
    app = opened.value
    app.get_by_role("link", name="Open", exact=True).click()
    app.wait_for_url(f"**/desktops/{ready}/view")
    assert is_app_window(app)
    # The page's script sets this once the bar works.
    app.locator("[data-view-extend]", has_text="Extend by").wait_for(state="attached")
    app.get_by_role("button", name="Show or hide the bar").click()
    app.locator("summary", has_text="View").click()
    with own_chromium.expect_page() as opened:
        app.get_by_role("button", name="Open in a separate window").click()
    assert opened.value.url == app.url
    assert is_app_window(opened.value)
    expect(app.get_by_role("heading", name="It is in a separate window")).to_be_visible()
    # An app's window has no Back button.
    app.get_by_role("link", name="Open the desktop's page").click()
    expect(app.get_by_role("heading", name="Your desktop is ready")).to_be_visible()


def is_app_window(page: Page) -> bool:
    answer: bool = page.evaluate("matchMedia('(display-mode: standalone)').matches")
    return answer


def test_the_icons_of_the_app_are_as_large_as_they_say(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/sign-in")
    sizes = page.evaluate(
        """async () => {
            const link = document.querySelector("link[rel=manifest]").href;
            const { icons } = await (await fetch(link)).json();
            const shown = await Promise.all(icons.map(async ({ src }) => {
                const image = Object.assign(new Image(), { src });
                await image.decode();
                return `${image.naturalWidth}x${image.naturalHeight}`;
            }));
            return icons.map(({ sizes, purpose }, at) => [purpose ?? "any", sizes, shown[at]]);
        }"""
    )
    drawn = [(purpose, said) for purpose, said, shown in sizes if said == shown]
    assert drawn == [("any", "192x192"), ("any", "512x512"), ("maskable", "512x512")]
    assert [said for _, said, shown in sizes if said != shown] == ["any"], "the drawing"
