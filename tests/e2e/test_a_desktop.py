"""A person's whole way: sign in, launch, watch the steps, work in the desktop, extend, stop."""

import re
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bench.rdp_probe import answers
from tests.e2e.conftest import Site
from tests.e2e.screen import Screen

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.slow]

READY_MS = 90_000


@dataclass(frozen=True)
class Desktop:
    """What the page told about a desktop."""

    id: str
    computer: str
    user: str
    password: str
    steps_seen: frozenset[str]

    @property
    def address(self) -> str:
        return self.computer.partition(":")[0]


def launch(page: Page) -> Desktop:
    page.goto("/")
    page.get_by_role("button", name="Launch desktop").first.click()
    page.wait_for_url(re.compile(r"/desktops/desktop-[0-9a-f]{8}$"))
    steps = set()
    give_up = time.monotonic() + READY_MS / 1000
    while page.get_by_role("link", name="Download .rdp").count() == 0:
        steps |= set(page.locator(".steps li[aria-current=step]").all_inner_texts())
        assert time.monotonic() < give_up, page.locator("main").inner_text()
        page.wait_for_timeout(100)
    secret = page.locator("[data-secret-text]")
    page.get_by_role("button", name="Show").click()
    expect(secret).to_have_text(re.compile(r"^[A-Za-z0-9-]{12,}$"))
    facts = page.locator(".facts .value").all_inner_texts()
    return Desktop(
        id=page.url.rpartition("/")[2],
        computer=facts[0],
        user=facts[1],
        password=secret.inner_text(),
        steps_seen=frozenset(text.split("\n")[0] for text in steps),
    )


@pytest.fixture(scope="module")
def desktop(page: Page) -> Desktop:
    return launch(page)


def programs_in(desktop_id: str) -> set[str]:
    """Names of the processes inside a desktop, seen from the machine."""
    names = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            hostname = (process / "root/etc/hostname").read_text().strip()
            if hostname == desktop_id:
                names.add((process / "comm").read_text().strip())
        except OSError:
            continue  # it ended while we looked
    return names


def state_of(site: Site, desktop_id: str) -> tuple[str, str | None]:
    with closing(sqlite3.connect(f"file:{site.settings.folder}/winux.db?mode=ro", uri=True)) as db:
        query = "select state, end_reason from desktops where public_id = ?"
        state, reason = db.execute(query, (desktop_id,)).fetchone()
    return str(state), reason


def wait_until_ended(site: Site, desktop_id: str, timeout_s: float) -> str | None:
    give_up = time.monotonic() + timeout_s
    while True:
        state, reason = state_of(site, desktop_id)
        if state == "ended":
            return reason
        assert time.monotonic() < give_up, f"still {state}"
        time.sleep(0.5)


def assert_nothing_left(site: Site, desktop: Desktop) -> None:
    assert not answers(desktop.address)
    assert programs_in(desktop.id) == set()
    links = subprocess.run(
        ["ip", "-o", "link", "show", "master", site.settings.bridge],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert links == "", "a container's network port is still there"
    mounts = [
        line
        for line in Path("/proc/self/mounts").read_text().splitlines()
        if site.settings.bridge in line
    ]
    assert mounts == []
    with closing(sqlite3.connect(f"file:{site.settings.folder}/winux.db?mode=ro", uri=True)) as db:
        held = db.execute("select count(*) from address_reservations").fetchone()[0]
        held += db.execute("select count(*) from vmid_reservations").fetchone()[0]
    assert held == 0


def test_the_page_shows_the_steps_as_they_happen(desktop: Desktop) -> None:
    assert len(desktop.steps_seen) >= 3, desktop.steps_seen
    assert desktop.user == "desktop"


def test_a_wrong_password_opens_nothing(desktop: Desktop, screen: Screen, artifacts: Path) -> None:
    screen.connect(desktop.computer, desktop.user, "not-" + desktop.password)
    assert not screen.wait_for_desktop(timeout_s=12)
    screen.keep_picture(artifacts / "wrong-password.png")
    assert "xfce4-panel" not in programs_in(desktop.id)


def test_the_password_from_the_page_opens_a_real_desktop(
    desktop: Desktop, screen: Screen, artifacts: Path
) -> None:
    screen.connect(desktop.computer, desktop.user, desktop.password)
    appeared = screen.wait_for_desktop()
    time.sleep(3)  # let the icons settle: the picture is kept for people
    screen.keep_picture(artifacts / "desktop.png")
    assert appeared, f"no desktop on the screen: see {artifacts / 'desktop.png'}"
    assert {"xfce4-panel", "xfdesktop"} <= programs_in(desktop.id)


def test_extending_moves_the_end(page: Page, desktop: Desktop) -> None:
    page.goto(f"/desktops/{desktop.id}")
    deadline = page.locator("[data-countdown]").first
    before = deadline.get_attribute("data-countdown")
    page.get_by_role("button", name=re.compile("Extend by")).click()
    expect(page.locator("[data-countdown]").first).not_to_have_attribute(
        "data-countdown", before or ""
    )


def test_stopping_removes_every_trace(page: Page, site: Site, desktop: Desktop) -> None:
    page.goto(f"/desktops/{desktop.id}")
    page.get_by_role("link", name="Stop now").click()
    page.get_by_role("button", name="Stop now").click()
    assert wait_until_ended(site, desktop.id, 60) == "asked"
    assert_nothing_left(site, desktop)
    page.goto("/desktops/")
    expect(
        page.get_by_role("link", name=desktop.id).or_(page.get_by_text(desktop.id)).first
    ).to_be_visible()


def test_a_desktop_ends_by_itself_at_its_deadline(page: Page, site: Site) -> None:
    desktop = launch(page)
    soon = (datetime.now(UTC) + timedelta(seconds=3)).replace(tzinfo=None)
    with closing(sqlite3.connect(site.settings.folder / "winux.db", timeout=10)) as db, db:
        moved = "update desktops set deadline_at = ? where public_id = ?"
        db.execute(moved, (soon.isoformat(sep=" "), desktop.id))
    assert wait_until_ended(site, desktop.id, 60) == "expired"
    assert_nothing_left(site, desktop)
    page.goto(f"/desktops/{desktop.id}")
    expect(page.get_by_role("link", name="Download .rdp")).to_have_count(0)
