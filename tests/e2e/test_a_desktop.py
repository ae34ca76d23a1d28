"""A person's complete path: sign in, launch, watch the steps, work in the desktop, extend, stop."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.person import Person
from tests.e2e.screen import Screen
from tests.e2e.site import Site, programs_in, wait_until
from webapp.domain.desktops.estimate import BUILD_STEPS

pytestmark = [pytest.mark.lab, pytest.mark.browser]

STEPS = list(BUILD_STEPS.values())
#: Steps that wait on the node until the page has shown them, so that a machine's speed does not
#: matter.
HELD = {"desktop_clone": "POST .*/clone", "desktop_start": "POST .*/status/start"}
HOLD_S = 25


@dataclass(frozen=True)
class Desktop:
    """What alice's page showed about her desktop."""

    alice: Person
    id: str
    vmid: int
    computer: str
    user: str
    password: str
    steps_seen: list[str]


@pytest.fixture(scope="module")
def desktop(site: Site, visit: Visit) -> Desktop:
    alice = visit("alice")
    held = {BUILD_STEPS[step]: path for step, path in HELD.items()}

    def hold_next(shown: str) -> None:
        """Release the step that the page shows, and hold the next one."""
        if held.pop(shown, None):
            site.slow_down(next(iter(held.values()), "nothing"), HOLD_S)

    site.slow_down(HELD["desktop_clone"], HOLD_S)
    public_id = alice.launch()
    alice.page.evaluate("window.isSameDocument = true")
    steps = alice.steps_until_ready(hold_next)
    assert alice.page.evaluate("window.isSameDocument"), "the page was loaded again"
    vmid = site.desktop(public_id)["vmid"]
    return Desktop(alice, public_id, vmid, *alice.connection(), steps)


def test_the_page_shows_the_steps_as_they_happen(desktop: Desktop) -> None:
    assert {BUILD_STEPS[step] for step in HELD} <= set(desktop.steps_seen), desktop.steps_seen
    assert desktop.steps_seen == [step for step in STEPS if step in desktop.steps_seen]


def test_the_page_of_a_ready_desktop(desktop: Desktop, artifacts: Path) -> None:
    desktop.alice.button("Hide").click()
    expect(desktop.alice.page.get_by_text(desktop.password)).to_have_count(0)
    desktop.alice.page.screenshot(path=artifacts / "page-ready.png", full_page=True)


def test_a_wrong_password_opens_nothing(
    site: Site, desktop: Desktop, screen: Screen, artifacts: Path
) -> None:
    screen.connect(desktop.computer, desktop.user, "not-" + desktop.password)
    refused = "journalctl --quiet --no-pager | grep -c 'xrdp-sesman.*authentication failure' || :"
    wait_until(lambda: int(site.lab.inside(desktop.vmid, refused)), "PAM refuses the password")
    assert not screen.wait_for_desktop(timeout_s=4)
    screen.keep_picture(artifacts / "wrong-password.png")
    assert not {"Xorg", "xfce4-session", "xfce4-panel"} & programs_in(desktop.id)


def test_the_password_from_the_page_opens_a_real_desktop(
    desktop: Desktop, screen: Screen, artifacts: Path
) -> None:
    screen.connect(desktop.computer, desktop.user, desktop.password)
    appeared = screen.wait_for_desktop()
    screen.wait_until_still()
    screen.keep_picture(artifacts / "desktop.png")
    assert appeared, f"no desktop on the screen: see {artifacts / 'desktop.png'}"
    assert {"Xorg", "xfce4-panel", "xfdesktop"} <= programs_in(desktop.id)


def test_extending_moves_the_end_on_the_page_and_inside(site: Site, desktop: Desktop) -> None:
    alice, countdown = desktop.alice, desktop.alice.page.locator("[data-countdown]").first
    known_inside = "cat /var/lib/winux/deadline"
    inside_before = int(site.lab.inside(desktop.vmid, known_inside))
    before = countdown.get_attribute("data-countdown")
    left_before = minutes_left(alice)
    alice.button(re.compile("Extend by 30 min")).click()
    expect(alice.page.get_by_text("Extended by 30 min.")).to_be_visible()
    expect(countdown).not_to_have_attribute("data-countdown", before or "")
    assert 28 <= minutes_left(alice) - left_before <= 30
    told = datetime.fromisoformat(site.desktop(desktop.id)["deadline_at"]).replace(tzinfo=UTC)
    wait_until(
        lambda: int(site.lab.inside(desktop.vmid, known_inside)) == int(told.timestamp()),
        "the desktop itself knows its new deadline",
    )
    assert 29 * 60 <= told.timestamp() - inside_before <= 31 * 60


def minutes_left(person: Person) -> int:
    """Return the countdown of the page, which may be an hour and more."""
    face = person.page.locator("[data-countdown-text]").first.inner_text()
    hours, minutes, _ = ([0] + [int(part) for part in face.split(":")])[-3:]
    return hours * 60 + minutes


def test_stopping_asks_first_and_leaves_no_trace(
    site: Site, desktop: Desktop, artifacts: Path
) -> None:
    while_it_lived = site.desktop(desktop.id)
    assert len(site.leftovers(while_it_lived)) >= 8, "the look for traces finds nothing"
    alice = desktop.alice
    alice.page.get_by_role("link", name="Stop now").click()
    dialog = alice.page.get_by_role("dialog", name=f"Stop {desktop.id}?")
    expect(dialog.get_by_text("Unsaved files in it are lost")).to_be_visible()
    dialog.get_by_role("link", name="Keep it").click()
    assert site.desktop(desktop.id)["state"] == "ready"
    alice.stop()
    alice.expect_headline("This desktop has ended")
    expect(alice.page.get_by_text("You stopped it.")).to_be_visible()
    alice.page.screenshot(path=artifacts / "page-ended.png", full_page=True)
    assert site.leftovers(while_it_lived) == []
    alice.go("/desktops/")
    row = alice.page.get_by_role("row").filter(has_text=desktop.id)
    expect(row).to_contain_text("You stopped it.")
