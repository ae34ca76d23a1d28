"""What the page shows when the connection breaks, is cut or taken over, or the desktop ends."""

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench.viewer import Viewer, wait_shown, wait_true
from tests.browser_desktop.conftest import Desktop, Gateway
from tests.e2e.site import Site

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]

#: Maximum seconds until the page shows the end of a desktop or connection.
SOON_MS = 4_000
#: A connection of a killed gateway stays open for half a minute, until its row is closed.
FORGOTTEN_MS = 50_000


def title(page: Page) -> str:
    return page.locator("[data-curtain-title]").inner_text()


def expect_title(page: Page, text: str) -> None:
    expect(page.locator("[data-curtain-title]")).to_contain_text(text, timeout=SOON_MS)


def set_deadline(site: Site, desktop: Desktop, at: datetime) -> None:
    with closing(sqlite3.connect(site.database, timeout=10)) as db, db:
        text = at.strftime("%Y-%m-%d %H:%M:%S.%f")
        db.execute("update desktops set deadline_at = ? where public_id = ?", (text, desktop.id))


def test_it_comes_back_by_itself_after_the_gateway_was_killed(
    view: Page, desktop: Desktop, gateway: Gateway
) -> None:
    desktop.inside.run("touch /tmp/still-the-same-session")
    before = desktop.inside.run("pgrep xfce4-session")
    gateway.kill()
    expect_title(view, "The connection broke")
    view.wait_for_timeout(1500)
    gateway.start()
    began = time.monotonic()
    wait_shown(view)
    assert time.monotonic() - began < 10
    assert desktop.inside.run("pgrep xfce4-session") == before


def test_it_comes_back_after_a_polite_restart_too(view: Page, gateway: Gateway) -> None:
    gateway.child.stop()
    expect_title(view, "The gateway is restarting")
    gateway.start()
    wait_shown(view, 10)


def test_no_network_is_noticed_and_its_return_is_used_at_once(
    view: Page, context: BrowserContext
) -> None:
    context.set_offline(True)  # so the dropped socket sends no close frame
    view.evaluate("desktopView.connection.link.drop()")
    told = re.compile("The portal cannot be reached|The connection stopped responding|Reconnecting")
    expect(view.locator("[data-view-curtain]")).to_be_visible(timeout=SOON_MS)
    expect(view.locator("[data-curtain-title]")).to_have_text(told)
    view.wait_for_timeout(6_000)
    expect(view.locator("[data-view-curtain]")).to_be_visible()
    expect(view.locator("[data-curtain-title]")).to_have_text(told)
    context.set_offline(False)
    wait_shown(view, 5)


def test_an_admin_cuts_it(view: Page, chromium: Browser, site: Site) -> None:
    context = chromium.new_context()
    Viewer(context, site.url).sign_in("root", site.passwords["root"])
    admin = context.new_page()
    admin.goto(f"{site.url}/admin/connections/")
    row = admin.get_by_role("row").filter(has_text="alice")
    expect(row).to_have_count(1, timeout=FORGOTTEN_MS)  # the row of the killed gateway is closed
    row.get_by_role("button", name="Cut").click()
    expect_title(view, "An administrator cut this connection")
    view.wait_for_timeout(2_000)
    assert "cut" in title(view)
    admin.goto(f"{site.url}/admin/connections/")
    expect(admin.get_by_text("There are no open connections")).to_be_visible(timeout=10_000)
    context.close()
    view.get_by_role("button", name="Reconnect now").click()
    wait_shown(view)


def test_another_window_takes_over_and_the_first_says_so(
    view: Page, context: BrowserContext, site: Site, desktop: Desktop
) -> None:
    second = Viewer(context, site.url).look_at(desktop.id)
    expect_title(view, "opened in another window")
    view.wait_for_timeout(1_500)
    assert second.locator("[data-view-curtain]").is_hidden()


def test_signing_out_ends_it(chromium: Browser, site: Site, desktop: Desktop) -> None:
    context = chromium.new_context()
    person = Viewer(context, site.url)
    person.sign_in("alice", site.passwords["alice"])
    view = person.look_at(desktop.id)
    other = context.new_page()
    other.goto(f"{site.url}/account/")
    other.locator("form[action$='sign-out'] button").first.evaluate("button => button.click()")
    expect_title(view, "You were signed out")
    assert view.get_by_role("button", name="Reconnect now").is_hidden()
    context.close()


def test_somebody_else_gets_neither_page_nor_ticket(
    chromium: Browser, site: Site, desktop: Desktop
) -> None:
    context = chromium.new_context()
    Viewer(context, site.url).sign_in("bob", site.passwords["bob"])
    page = context.new_page()
    address = f"{site.url}/desktops/{desktop.id}/view"
    answer = page.goto(address)
    assert answer
    assert answer.status == 404
    assert page.request.post(f"{address}/ticket").status in {400, 404}
    context.close()


def test_a_reload_does_not_end_a_desktop_that_ends_with_its_tab(
    context: BrowserContext, site: Site, launch: Callable[[], Desktop]
) -> None:
    own = launch()
    page = Viewer(context, site.url).look_at(own.id)
    page.evaluate("desktopView.bar.open(true)")
    page.get_by_text("View", exact=True).click()
    with page.expect_response("**/end-on-close"):
        page.get_by_label("End the desktop when I close this tab").check()
    page.reload(wait_until="domcontentloaded")
    wait_shown(page)
    page.wait_for_timeout(1_000)
    assert site.desktop(own.id)["left_at"] is None
    page.close(run_before_unload=False)
    site.wait_for_state(own.id, "stopping", "ended", timeout_s=60)
    assert site.desktop(own.id)["end_reason"] == "asked"


def test_the_time_is_counted_and_extended_and_its_end_is_said(
    context: BrowserContext, site: Site, launch: Callable[[], Desktop]
) -> None:
    own = launch()
    page = Viewer(context, site.url).look_at(own.id)
    set_deadline(site, own, datetime.now(UTC) + timedelta(seconds=200))
    page.evaluate("desktopView.heartbeat.beat()")
    expect(page.locator("[data-note-text]")).to_contain_text("ends in 4 min", timeout=SOON_MS)
    page.get_by_role("button", name="Extend", exact=True).click()
    expect(page.locator("[data-view-left]")).to_contain_text("34 min left", timeout=SOON_MS)
    set_deadline(site, own, datetime.now(UTC) + timedelta(seconds=2))
    expect(page.locator("[data-curtain-title]")).to_contain_text(
        "This desktop's time was up", timeout=15_000
    )
    assert page.get_by_role("button", name="Reconnect now").is_hidden()


def test_stop_asks_first_and_then_says_that_it_ended(
    context: BrowserContext, site: Site, launch: Callable[[], Desktop]
) -> None:
    own = launch()
    page = Viewer(context, site.url).look_at(own.id)
    for answer in ("Keep it", "Stop now"):
        page.evaluate("desktopView.bar.open(true)")
        page.locator("[data-view-stop]").click()
        page.get_by_role("button", name=answer).click()
        if answer == "Keep it":
            page.wait_for_timeout(1_000)
            assert site.desktop(own.id)["state"] == "ready"
    expect_title(page, "This desktop was stopped")
    wait_true(page, "document.activeElement?.matches('[data-curtain-link]')", 3)
