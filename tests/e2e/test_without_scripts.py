"""Every task of a person, in a browser without JavaScript."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.site import Site

pytestmark = [pytest.mark.lab, pytest.mark.browser]


def test_launch_list_extend_and_stop_without_scripts(site: Site, visit: Visit) -> None:
    bob = visit("bob", java_script_enabled=False)
    made = bob.launch()
    bob.wait_until_ready()
    row = site.desktop(made)
    bob.connection()
    bob.go("/desktops/")
    expect(bob.page.get_by_role("row").filter(has_text=made)).to_contain_text("Ready")
    bob.go(f"/desktops/{made}")
    bob.button("Extend by 30 min").click()
    expect(bob.page.get_by_text("Extended by 30 min.")).to_be_visible()
    assert site.desktop(made)["deadline_at"] > row["deadline_at"]
    bob.page.get_by_role("link", name="Stop now").click()
    expect(bob.page.get_by_role("heading", name=f"Stop {made}?")).to_be_visible()
    bob.button("Stop now").click()
    bob.expect_headline("This desktop has ended")
    assert site.leftovers(row) == []
