"""A real desktop of alice in Chromium, launched once for all tests of this folder."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Page,
    StorageState,
    sync_playwright,
)

from bench.inside import Inside, inside_of
from bench.viewer import Viewer, wait_shown
from setup import ownership
from setup.machine import check_port
from setup.page_client import PageClient
from setup.portal import Portal
from setup.processes import Child
from setup.settings import CHECKOUT, TEST, settings_from
from setup.template import GoldenTemplate as Published
from tests.e2e.site import Site
from tests.lab import GoldenTemplate, RealLab

#: Screenshots, kept after the run.
ARTIFACTS = CHECKOUT / "var/test-artifacts"
#: Harmless messages between xrdp and IronRDP, and messages about a broken connection.
HARMLESS = ("ironrdp", "WebSocket connection to", "Failed to load resource", "The session ended")
#: Differs from the portal of tests/e2e on the same node: other ports, VM ids and addresses.
PORT, GATEWAY_PORT = 8092, 8095
VMIDS = (30_801, 30_899)
FIRST_HOST, LAST_HOST = 200, 250


@dataclass
class Gateway:
    """The gateway's process, which tests stop and restart."""

    portal: Portal
    child: Child

    def kill(self) -> None:
        os.kill(self.child.process.pid, signal.SIGKILL)
        self.child.process.wait(10)

    def start(self) -> None:
        self.child = self.portal.start_gateway()

    def ensure(self) -> None:
        """After a test that failed half-way."""
        if not self.child.is_running():
            self.start()


@pytest.fixture(scope="session")
def site(lab_node: RealLab, golden_template: GoldenTemplate) -> Iterator[Site]:
    """A portal with a worker, and a few people; each run starts empty."""
    settings = settings_from(os.environ, "WINUX_TEST_", TEST)
    settings = replace(
        settings,
        folder=settings.folder / "browser",
        port=PORT,
        gateway_port=GATEWAY_PORT,
        bridge=lab_node.bridge,
        subnet=str(lab_node.subnet),
        lab_port=lab_node.port,
        vmids=VMIDS,
    )
    assert ownership.remove(settings.folder), f"{settings.folder} is not ours"
    ownership.claim(settings.folder, "WINUX_TEST_DIR")
    check_port(settings.listen, PORT, "the port")
    more = {
        "WINUX_GUEST_KEY_FILE": str(golden_template.guest_key),
        "WINUX_MAX_DESKTOPS": "10",
        "WINUX_ADDRESS_FIRST": str(lab_node.subnet[FIRST_HOST]),
        "WINUX_ADDRESS_LAST": str(lab_node.subnet[LAST_HOST]),
    }
    portal = Portal(settings, lab_node.settings("portal"), more)
    site = Site(settings, lab_node, portal, golden_template)
    portal.migrate()
    vmid, name, version = golden_template.vmid, golden_template.name, golden_template.version
    portal.publish(Published("", vmid, name, version))
    site.add_person("root", is_admin=True)
    for name in ("alice", "bob"):
        site.add_person(name)
    site.start()
    yield site
    site.end()


@pytest.fixture(scope="session")
def gateway(site: Site) -> Iterator[Gateway]:
    gateway = Gateway(site.portal, site.portal.start_gateway())
    yield gateway
    gateway.child.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS


@dataclass(frozen=True)
class Desktop:
    """A ready desktop of alice: its id, and access to its container."""

    id: str
    inside: Inside


@pytest.fixture(scope="session")
def visitor(site: Site) -> PageClient:
    visitor = PageClient(site.url)
    visitor.sign_in("alice", site.passwords["alice"])
    return visitor


@pytest.fixture(scope="session")
def launch(site: Site, gateway: Gateway, visitor: PageClient) -> Callable[[], Desktop]:
    """Launch a desktop and install the tools with which the tests examine it."""
    return lambda: _launch(site, visitor)


@pytest.fixture(scope="session")
def desktop(launch: Callable[[], Desktop]) -> Desktop:
    return launch()


def _launch(site: Site, visitor: PageClient) -> Desktop:
    ready = visitor.launch_desktop()
    inside = inside_of(site.database, site.settings.bridge, ready.id)
    inside.lend("xwd", "xclip", "xev")
    return Desktop(ready.id, inside)


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, site: Site) -> StorageState:
    """The cookies of a browser in which alice is signed in."""
    context = chromium.new_context()
    Viewer(context, site.url).sign_in("alice", site.passwords["alice"])
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture
def context(chromium: Browser, signed_in: StorageState) -> Iterator[BrowserContext]:
    """Alice's browser; it grants the clipboard permission, but the page's question is declined."""
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
def view(context: BrowserContext, site: Site, gateway: Gateway, desktop: Desktop) -> Iterator[Page]:
    """The desktop's page; any error on its console fails the test."""
    gateway.ensure()
    page = Viewer(context, site.url).look_at(desktop.id)
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert [error for error in errors if not error.startswith(HARMLESS)] == []


#: The bit of each modifier key in the browser's debugging protocol.
MODIFIERS = {"AltRight": 1, "ControlLeft": 2, "ShiftLeft": 8}


class Keys:
    """A keyboard with every key of an IBM board, by key position."""

    def __init__(self, page: Page) -> None:
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._held = 0
        page.focus("[data-view-stage]")

    def press(self, *codes: str) -> None:
        """Press all keys in order, then release them."""
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
        # the text that the browser derives from the key must not matter
        event = {"type": kind, "code": code, "key": "Unidentified", "modifiers": self._held}
        self._devtools.send("Input.dispatchKeyEvent", {**event, "windowsVirtualKeyCode": 65})


@pytest.fixture
def keys(view: Page) -> Keys:
    return Keys(view)


def reopen(page: Page) -> None:
    """Load the view again."""
    page.reload(wait_until="domcontentloaded")
    wait_shown(page)
