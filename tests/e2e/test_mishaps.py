"""What people see when things go wrong by impatience, by hand or on the node."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.person import DESKTOP_PAGE
from tests.e2e.site import PATIENCE_S, Site

pytestmark = [pytest.mark.lab, pytest.mark.browser]


def test_impatience_launches_once_and_cancels_once(site: Site, visit: Visit) -> None:
    """Double clicks, Back and Reload during a build."""
    bob = visit("bob")
    before = site.desktops_of("bob")
    site.slow_down("POST .*/status/start", 4)  # it is still being built when bob cancels
    bob.go("/")
    bob.card("XFCE").get_by_role("button", name="Launch desktop").dblclick()
    bob.page.wait_for_url(DESKTOP_PAGE)
    bob.page.reload()
    bob.page.go_back()
    bob.page.reload()
    bob.page.go_forward()
    bob.page.wait_for_url(DESKTOP_PAGE)
    (made,) = set(site.desktops_of("bob")) - set(before)

    site.wait_for_step(made, "desktop_start")
    half_made = site.desktop(made)
    assert half_made["state"] == "building"
    bob.page.get_by_role("link", name="Cancel").click()
    bob.page.get_by_role("dialog").get_by_role("button", name="Stop now").dblclick()
    bob.expect_headline("This desktop has ended")
    expect(bob.page.get_by_text("Cancelled before it was ready.")).to_be_visible()
    assert site.leftovers(half_made) == []
    assert site.desktop(made)["failure"] is None
    asked = "select id from audit_entries where subject = ? and action = 'desktop.stop'"
    assert len(site.rows(asked, made)) == 1


def test_a_container_deleted_by_hand_is_told_as_lost(site: Site, visit: Visit) -> None:
    bob = visit("bob")
    lost = bob.launch()
    bob.wait_until_ready()
    row, node = site.desktop(lost), site.node()
    place = f"/nodes/lab/lxc/{row['vmid']}"
    assert node.done(node.post(f"{place}/status/stop")) == "OK"
    assert node.done(node.delete(place)) == "OK"
    bob.expect_headline("This desktop has ended")
    expect(bob.page.get_by_text("It disappeared from the server.")).to_be_visible()
    assert site.leftovers(row) == []


def test_a_node_that_is_down_is_told_and_waited_for(
    site: Site, visit: Visit, artifacts: Path
) -> None:
    bob, root = visit("bob"), visit("root")
    site.lab.stop()
    try:
        waiting = bob.launch()
        page = bob.page.locator("main")
        expect(page).to_contain_text("do not answer right now", timeout=PATIENCE_S * 1000)
        expect(page).not_to_contain_text("127.0.0.1")
        bob.page.screenshot(path=artifacts / "page-node-down.png", full_page=True)
        root.go("/admin/")
        health = root.page.locator(".health li").filter(has_text="Proxmox")
        expect(health).not_to_contain_text("Answers.")
    finally:
        site.lab.start()
    bob.wait_until_ready()
    # the worker looks at Proxmox every 15 s, the page asks every 5 s
    expect(health).to_contain_text("Answers.", timeout=30_000)
    row = site.desktop(waiting)
    bob.stop()
    bob.expect_headline("This desktop has ended")
    assert site.leftovers(row) == []
