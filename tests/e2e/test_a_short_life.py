"""A desktop of two minutes warns of its end and ends automatically, while other tests run."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Visit
from tests.e2e.person import Person
from tests.e2e.screen import Screen
from tests.e2e.site import Site
from webapp.services.desktops.lifetime import CLOSE_ENOUGH

pytestmark = [pytest.mark.lab, pytest.mark.browser]

MINUTES = 2
#: The part of the screen in which XFCE shows notifications.
CORNER = "420x160+850+10"


class Watch(threading.Thread):
    """A person at a desktop's screen who notices when something appears in the corner."""

    def __init__(self, screen: Screen, picture: Path) -> None:
        super().__init__(daemon=True)
        self._screen = screen
        self._picture = picture
        self._is_over = threading.Event()
        self.seen_at: float | None = None

    def run(self) -> None:
        before = self._screen.pixels(CORNER)
        while not self._is_over.wait(0.5):
            if self._screen.pixels(CORNER) != before:
                self.seen_at = time.time()
                self._screen.wait_until_still(CORNER, timeout_s=3)
                self._screen.keep_picture(self._picture)
                return

    def stop(self) -> None:
        self._is_over.set()
        self.join()


class ShortLife:
    """The desktop, and the person who watches it."""

    def __init__(self, site: Site, public_id: str, watch: Watch) -> None:
        self.site = site
        self.id = public_id
        self.watch = watch
        self.row = site.desktop(public_id)
        self.deadline = datetime.fromisoformat(self.row["deadline_at"]).replace(tzinfo=UTC)


@pytest.fixture(scope="session")
def short(site: Site, chromium: Browser, artifacts: Path) -> Iterator[ShortLife]:
    context = chromium.new_context(base_url=site.url)
    carol = Person.in_browser(site, context, "carol")
    carol.sign_in()
    public_id = carol.launch(minutes=MINUTES)
    carol.wait_until_ready()
    with Screen() as screen:
        screen.connect(*carol.connection())
        assert screen.wait_for_desktop()
        screen.wait_until_still()
        context.close()
        watch = Watch(screen, artifacts / "warning.png")
        watch.start()
        yield ShortLife(site, public_id, watch)
        watch.stop()


def test_the_time_that_was_chosen_is_what_it_gets(short: ShortLife) -> None:
    ready = datetime.fromisoformat(short.row["ready_at"]).replace(tzinfo=UTC)
    assert (short.deadline - ready).total_seconds() == MINUTES * 60


def test_the_desktop_warns_of_its_end(short: ShortLife) -> None:
    short.watch.join(timeout=MINUTES * 60)
    assert short.watch.seen_at, "nothing appeared on the desktop"
    left = short.deadline.timestamp() - short.watch.seen_at
    assert abs(left - 60) < CLOSE_ENOUGH.total_seconds() + 5


def test_it_ends_by_itself_and_the_page_says_why(short: ShortLife, visit: Visit) -> None:
    carol = visit("carol")
    carol.go(f"/desktops/{short.id}")
    carol.expect_headline("This desktop has ended", timeout_s=MINUTES * 60)
    expect(carol.page.get_by_text("Its time was up.")).to_be_visible()
    ended = datetime.fromisoformat(short.site.desktop(short.id)["stop_requested_at"])
    assert 0 <= (ended.replace(tzinfo=UTC) - short.deadline).total_seconds() < 10
    assert short.site.leftovers(short.row) == []
    carol.go("/desktops/")
    row = carol.page.get_by_role("row").filter(has_text=short.id)
    expect(row).to_contain_text("Its time was up.")
