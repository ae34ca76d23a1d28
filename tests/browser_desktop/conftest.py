"""A real desktop in Chromium: alice's, launched once for all of these tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, StorageState

from bench.inside import Inside, inside_of
from bench.viewer import Viewer, wait_shown
from setup.visitor import Visitor
from tests.site import Site

#: What xrdp and IronRDP tell each other of no importance.
HARMLESS = ("ironrdp", "WebSocket connection to", "Failed to load resource", "The session ended")


@dataclass(frozen=True)
class Desktop:
    """A ready desktop of alice's: by its id, and from inside."""

    id: str
    inside: Inside


@pytest.fixture(scope="session")
def visitor(site: Site) -> Visitor:
    visitor = Visitor(site.url)
    visitor.sign_in("alice", site.passwords["alice"])
    return visitor


@pytest.fixture(scope="session")
def launch(site: Site, visitor: Visitor) -> Callable[[], Desktop]:
    """Launches a desktop and lends it what the tests look into it with."""
    return lambda: _launch(site, visitor)


@pytest.fixture(scope="session")
def desktop(launch: Callable[[], Desktop]) -> Desktop:
    return launch()


def _launch(site: Site, visitor: Visitor) -> Desktop:
    ready = visitor.launch_desktop()
    inside = inside_of(site.database, site.settings.bridge, ready.id)
    inside.lend("xwd", "xclip", "xev")
    return Desktop(ready.id, inside)


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, site: Site) -> StorageState:
    """The cookies of a browser that alice has signed in with."""
    context = chromium.new_context()
    Viewer(context, site.url).sign_in("alice", site.passwords["alice"])
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture
def context(chromium: Browser, signed_in: StorageState) -> Iterator[BrowserContext]:
    """Alice's browser; the clipboard question is answered with no, permission would be granted."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, has_touch=True, storage_state=signed_in
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(
        "localStorage['winux.clipboard'] ??= 'off'",
    )
    yield context
    context.close()


@pytest.fixture
def view(context: BrowserContext, site: Site, desktop: Desktop) -> Iterator[Page]:
    """The desktop, shown; any error on the page's console fails the test."""
    page = Viewer(context, site.url).look_at(desktop.id)
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert [error for error in errors if not error.startswith(HARMLESS)] == []


#: Modifier keys to their bits in the browser's own protocol.
MODIFIERS = {"AltRight": 1, "ControlLeft": 2, "ShiftLeft": 8}


class Keys:
    """A keyboard with every key of an IBM board, by the place of the key."""

    def __init__(self, page: Page) -> None:
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._held = 0
        page.focus("[data-view-stage]")

    def press(self, *codes: str) -> None:
        """All down in order, then up."""
        for code in codes:
            self._held |= MODIFIERS.get(code, 0)
            self._send("rawKeyDown", code)
        for code in reversed(codes):
            self._held &= ~MODIFIERS.get(code, 0)
            self._send("keyUp", code)

    def stroke(self, code: str, *, shift: bool = False, altgr: bool = False) -> None:
        held = ["AltRight"] * altgr + ["ShiftLeft"] * shift
        self.press(*held, code)

    def _send(self, kind: str, code: str) -> None:
        # what the browser believes is on the key must not matter
        event = {"type": kind, "code": code, "key": "Unidentified", "modifiers": self._held}
        self._devtools.send("Input.dispatchKeyEvent", {**event, "windowsVirtualKeyCode": 65})


@pytest.fixture
def keys(view: Page) -> Keys:
    return Keys(view)


def reopen(page: Page) -> None:
    """Load the view again."""
    page.reload(wait_until="domcontentloaded")
    wait_shown(page)
