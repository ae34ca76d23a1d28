"""A person's browser on the desktop view: Chromium, signed in, looking at one desktop."""

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
        """The view of a desktop, from the navigation until its picture is shown."""
        page = self.context.new_page()
        _open(page, f"{self.url}/desktops/{desktop_id}/view")
        wait_shown(page)
        return page


@contextmanager
def viewer(url: str, *, width: int = 1280, height: int = 800) -> Iterator[Viewer]:
    """A browser of its own, closed afterwards; the question about the clipboard is answered."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--js-flags=--expose-gc"]
        )
        context = browser.new_context(viewport={"width": width, "height": height})
        context.add_init_script("localStorage.setItem('winux.clipboard', 'off')")
        yield Viewer(context, url)
        browser.close()


def wait_shown(page: Page, timeout_s: float = WAIT_S) -> None:
    """Until the desktop is seen; TimeoutError with what the page says instead."""
    shown = "document.querySelector('[data-view-curtain]')?.hidden === true"
    wait_true(page, shown, timeout_s)


def wait_true(page: Page, expression: str, timeout_s: float = WAIT_S) -> Any:
    """Until an expression holds. Asked from outside: the page's policy forbids eval in it."""
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
        # between two pages there is nothing to ask
        if "context was destroyed" in str(error) or "is not defined" in str(error):
            return None
        raise


def _open(page: Page, url: str) -> None:
    """Open a page; containers that come and go change the network under the browser."""
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
