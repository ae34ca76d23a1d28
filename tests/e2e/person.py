"""A person at the portal's pages, in a separate browser."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Error, Locator, Page, expect

from tests.e2e.site import PATIENCE_S, Site

DESKTOP_PAGE = re.compile(r"/desktops/desktop-[0-9a-f]{8}$")


class Person:
    """What a person does with the mouse, and reads."""

    def __init__(self, site: Site, page: Page, name: str) -> None:
        self.site = site
        self.page = page
        self.name = name

    @classmethod
    def in_browser(cls, site: Site, context: BrowserContext, name: str) -> "Person":
        context.set_default_timeout(PATIENCE_S * 1000)
        return cls(site, context.new_page(), name)

    def go(self, path: str) -> None:
        """Open a page; retry if the machine's addresses changed, because Chromium then drops
        requests."""
        for _ in range(5):
            try:
                self.page.goto(path)
                return
            except Error as error:
                if "ERR_NETWORK_CHANGED" not in error.message:
                    raise
        self.page.goto(path)

    def sign_in(self) -> None:
        self.go("/sign-in")
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("Password").fill(self.site.passwords[self.name])
        self.button("Sign in").click()
        expect(self.page.get_by_role("heading", level=1)).not_to_have_text("Sign in to Winux")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def card(self, title: str) -> Locator:
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.get_by_role("listitem").filter(has=heading)

    # -- launching --------------------------------------------------------------------------------

    def launch(self, title: str = "XFCE", minutes: int | None = None) -> str:
        """Click *Launch desktop* (or *Launch another*); return the new desktop's public id."""
        self.go("/")
        card = self.card(title)
        if minutes is not None:
            card.get_by_text("Choices").click()
            card.get_by_label("Minutes").fill(str(minutes))
        card.get_by_role("button", name=re.compile("Launch (desktop|another)")).click()
        self.page.wait_for_url(DESKTOP_PAGE)
        return self.current_desktop()

    def current_desktop(self) -> str:
        return self.page.url.rpartition("/")[2]

    def wait_until_ready(self) -> None:
        """Wait until the open page shows the text, without a reload."""
        self.expect_headline("Your desktop is ready")

    def expect_headline(self, text: str, timeout_s: float = PATIENCE_S) -> None:
        heading = self.page.get_by_role("heading", name=text)
        expect(heading).to_be_visible(timeout=timeout_s * 1000)

    def steps_until_ready(self, on_step: Callable[[str], None]) -> list[str]:
        """Return the steps that the page showed as running, in order, until it said ready."""
        seen: list[str] = []
        give_up = time.monotonic() + PATIENCE_S
        while not self.page.get_by_role("link", name="Download .rdp").is_visible():
            assert time.monotonic() < give_up, self.page.locator("main").inner_text()
            for text in self.page.locator(".steps li[aria-current=step]").all_inner_texts():
                step = text.partition(":")[0].strip()
                if step not in seen:
                    seen.append(step)
                    on_step(step)
            self.page.wait_for_timeout(50)
        return seen

    # -- a ready desktop --------------------------------------------------------------------------

    def connection(self) -> tuple[str, str, str]:
        """Return computer, user name and password as the page shows them."""
        secret = self.page.locator(".secret")
        self.button("Show").click()
        expect(secret).to_have_text(re.compile(r"^[A-Za-z0-9-]{12,}$"))
        computer, user = self.page.locator(".facts .value").all_inner_texts()[:2]
        password = secret.inner_text()
        self.site.secrets.add(password)
        return computer, user, password

    def stop(self) -> None:
        """Stop the desktop whose page is open, and confirm."""
        self.page.get_by_role("link", name=re.compile("Stop now|Cancel")).first.click()
        self.button("Stop now").click()
        self.page.wait_for_url(DESKTOP_PAGE)
