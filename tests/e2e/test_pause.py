"""Pausing and resuming a real desktop keeps the files and everything else as before."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.screen import Screen
from tests.e2e.site import Site, programs_in
from webapp.domain.desktops.estimate import RESUME_STEPS

pytestmark = [pytest.mark.lab, pytest.mark.browser]

NOTE = "~desktop/note"
KEPT = ("vmid", "address", "rdp_certificate_sha256", "ssh_host_key_sha256", "password_locked")


def test_a_paused_desktop_comes_back_as_it_was(
    site: Site, visit: Visit, screen: Screen, artifacts: Path
) -> None:
    bob = visit("bob")
    public_id = bob.launch()
    bob.wait_until_ready()
    connection = bob.connection()
    screen.connect(*connection)
    assert screen.wait_for_desktop()
    before = site.desktop(public_id)
    site.lab.inside(before["vmid"], f"echo 'half an essay' >{NOTE}; chown desktop {NOTE}")
    assert "xfce4-session" in programs_in(public_id)

    bob.page.get_by_role("link", name="Pause").click()
    question = bob.page.get_by_role("dialog")
    expect(question).to_contain_text("unsaved work in them is lost")
    bob.page.screenshot(path=artifacts / "pause-question.png")
    bob.button("Pause now").click()
    bob.expect_headline("Your desktop is paused")
    bob.page.screenshot(path=artifacts / "page-paused.png", full_page=True)
    expect(bob.page.get_by_text("Its files and its remaining time are kept")).to_be_visible()
    assert programs_in(public_id) == set(), "something in it still runs"
    current = site.node().get(f"/nodes/lab/lxc/{before['vmid']}/status/current").data
    assert current["status"] == "stopped"

    bob.go("/")
    bob.page.screenshot(path=artifacts / "home-paused.png", full_page=True)
    bob.go(f"/desktops/{public_id}")
    site.slow_down("POST .*/status/start", 2)
    bob.button("Resume").click()
    step = bob.page.get_by_text(next(iter(RESUME_STEPS.values())))
    expect(step).to_be_visible()
    bob.page.screenshot(path=artifacts / "page-resuming.png", full_page=True)
    bob.wait_until_ready()

    after = site.desktop(public_id)
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert site.lab.inside(before["vmid"], f"cat {NOTE}") == "half an essay\n"
    assert bob.connection() == connection
    with Screen() as another:
        another.connect(*connection)
        assert another.wait_for_desktop(), "the same password opens no desktop"
    expect(bob.page.get_by_text(re.compile("Ready again"))).to_be_visible()
    bob.stop()
    site.wait_for_state(public_id, "ended")
    assert site.leftovers(after) == []
