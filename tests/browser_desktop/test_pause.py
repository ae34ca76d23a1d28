"""Pausing in the view: the connection ends with the reason at once, and Resume reopens it."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from bench.viewer import Viewer, wait_shown
from tests.browser_desktop.conftest import Desktop
from tests.e2e.site import Site, programs_in

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]

#: Maximum seconds until a connection ends after its desktop is paused.
SOON_S = 2.0


def test_it_says_that_it_is_paused_and_comes_back_by_resume(
    context: BrowserContext, site: Site, launch: Callable[[], Desktop], artifacts: Path
) -> None:
    own = launch()
    view = Viewer(context, site.url).look_at(own.id)
    vmid = site.desktop(own.id)["vmid"]
    site.lab.inside(vmid, "echo kept >~desktop/note")
    view.evaluate("desktopView.bar.open(true)")
    view.get_by_role("button", name="Pause", exact=True).click()
    expect(view.get_by_role("dialog")).to_contain_text("programs are closed")
    view.get_by_role("button", name="Pause now").click()
    began = time.monotonic()
    title = view.locator("[data-curtain-title]")
    expect(title).to_have_text("This desktop is paused", timeout=10_000)
    assert time.monotonic() - began < SOON_S
    resume = view.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    view.screenshot(path=artifacts / "view-paused.png")
    site.wait_for_state(own.id, "paused")
    assert programs_in(own.id) == set()
    (row,) = site.rows(
        "select c.end from connections c join desktops d on d.id = c.desktop_id "
        "where d.public_id = ?",
        own.id,
    )
    assert row["end"] == "paused"
    resume.click()
    expect(title).to_have_text("Your desktop is being resumed")
    wait_shown(view, 60)
    assert site.lab.inside(vmid, "cat ~desktop/note") == "kept\n"
    view.close()
