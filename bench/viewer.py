"""A person's browser on the desktop view: Chromium, signed in, showing one desktop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

WAIT_S = 30


@dataclass(frozen=True)
class Viewer:
    """One signed-in browser."""

    context: BrowserContext
    url: str

    def sign_in(self, name: str, password: str) -> None:
        page = self.context.new_page()
        _open(page, f"{self.url}/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")
        page.close()

    def look_at(self, desktop_id: str) -> Page:
        """Open the view of a desktop; return when its picture is shown."""
        page = self.context.new_page()
        _open(page, f"{self.url}/desktops/{desktop_id}/view")
        wait_shown(page)
        return page


@contextmanager
def viewer(url: str, *, width: int = 1280, height: int = 800) -> Iterator[Viewer]:
    """Run a separate browser with clipboard sharing off; close it after the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--js-flags=--expose-gc"]
        )
        context = browser.new_context(viewport={"width": width, "height": height})
        context.add_init_script("localStorage.setItem('winux.clipboard', 'off')")
        yield Viewer(context, url)
        browser.close()


def wait_shown(page: Page, timeout_s: float = WAIT_S) -> None:
    """Wait until the desktop is shown; TimeoutError has the page's message."""
    shown = "document.querySelector('[data-view-curtain]')?.hidden === true"
    wait_true(page, shown, timeout_s)


def wait_true(page: Page, expression: str, timeout_s: float = WAIT_S) -> Any:
    """Wait until an expression is true, by polling: the page's policy forbids eval in it."""
    give_up = time.monotonic() + timeout_s
    while not (value := _value(page, expression)):
        if time.monotonic() > give_up:
            said = _value(page, "document.body.innerText")
            raise TimeoutError(f"not in {timeout_s:.0f} s: {expression}; the page says: {said}")
        time.sleep(0.02)
    return value


def _value(page: Page, expression: str) -> Any:
    try:
        return page.evaluate(expression)
    except BrowserError as error:
        # there is no page to query during a navigation
        if "context was destroyed" in str(error) or "is not defined" in str(error):
            return None
        raise


def _open(page: Page, url: str) -> None:
    """Open a page; retry, as starting and stopping containers change the browser's network."""
    for _ in range(5):
        try:
            page.goto(url, wait_until="domcontentloaded")
        except BrowserError as error:
            if "ERR_NETWORK_CHANGED" not in str(error):
                raise
            time.sleep(0.3)
        else:
            return
    raise TimeoutError(f"{url} could not be opened: the network changed all the time")
