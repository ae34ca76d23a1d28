"""An administrator sees why a launch failed."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.site import Site

pytestmark = [pytest.mark.lab, pytest.mark.browser]


def test_the_admin_sees_why_a_launch_failed(site: Site, visit: Visit, artifacts: Path) -> None:
    missing = site.settings.template_vmids[1] - 50  # templates get ids from the first one on
    site.portal.ask(
        "template", "publish", "--name", "broken", "--vmid", str(missing), "--version", "1"
    )
    bob, root = visit("bob"), visit("root")
    try:
        failed = bob.launch("Broken")
        bob.expect_headline("Your desktop could not be made")
        expect(bob.page.locator("main")).not_to_contain_text(str(missing))  # only for admins
    finally:
        site.portal.ask("template", "set", "broken", "--no-enabled")
    row = site.desktop(failed)
    root.go("/admin/")
    root.page.get_by_role("row").filter(has_text=failed).get_by_role("link").click()
    why = root.page.get_by_role("region", name="Why it failed")
    expect(why).to_contain_text(str(missing))
    expect(why.locator("pre")).to_contain_text("desktop_clone")
    root.page.screenshot(path=artifacts / "page-admin-why.png", full_page=True)
    site.wait_for_state(failed, "ended")
    assert site.leftovers(row) == []
