"""A person at the portal's pages over real HTTP: signs in, launches, reads connection details."""

from __future__ import annotations

import http.client
import http.cookiejar
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from setup.failure import SetupFailed
from setup.pages import Form, Page

Found = TypeVar("Found")
LAUNCH_TIMEOUT_S = 180
LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class ReadyDesktop:
    """Connection details of a desktop; `page` and `rdp_file` are paths below the portal's URL."""

    id: str
    page: str
    rdp_file: str
    address: str
    port: int
    user: str
    password: str
    ready_seconds: float
    """Seconds from the click until the page reported that the desktop is ready."""

    def as_json(self) -> dict[str, str | int | float]:
        shown = ("id", "address", "port", "user", "password", "ready_seconds")
        return {name: getattr(self, name) for name in shown}


class _FromAddress(urllib.request.HTTPHandler):
    """Opens connections from this address of the machine."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._connect = partial(http.client.HTTPConnection, source_address=(source, 0))

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, req)


class PageClient:
    """One browser with its cookies; `status` is the status of the current page."""

    def __init__(self, url: str, source: str = "127.0.0.1") -> None:
        self.url = url
        self.status = 0
        self._cookies = http.cookiejar.CookieJar()
        keep_cookies = urllib.request.HTTPCookieProcessor(self._cookies)
        # no proxy: one in the environment is for the external network
        self._browser = urllib.request.build_opener(
            keep_cookies, urllib.request.ProxyHandler({}), _FromAddress(source)
        )
        self.at = url

    def sign_in(self, name: str, password: str) -> Page:
        """Fill in the sign-in form; raise SetupFailed if the portal rejects it."""
        form = _needed(self.open("/").form_with("name", "password"), "a sign-in form")
        page = self.submit(form, name=name, password=password)
        if page.form_with("name", "password"):
            raise SetupFailed(f"The portal did not let {name} sign in.", _said(page))
        return page

    def click_launch(self) -> str:
        """Press the first *Launch desktop*; return the path of the new desktop's page."""
        page = self.open("/")
        form = page.form_with("template", "launch_token")
        if form is None:
            raise SetupFailed("The portal offers nothing to launch.", _said(page))
        page = self.submit(form)
        if not re.search(r"desktop-[0-9a-f]{8}$", self.at):
            raise SetupFailed("The launch was refused.", _said(page))
        return urllib.parse.urlsplit(self.at).path

    def launch_desktop(self) -> ReadyDesktop:
        """Launch, wait until the page offers to connect, and return the connection details."""
        clicked = time.monotonic()
        path = self.click_launch()
        page = self.wait_ready(path)
        ready_seconds = round(time.monotonic() - clicked, 1)
        rdp_file = _needed(page.link_to(".rdp"), "a link to an .rdp file")
        settings = self.read_text(rdp_file)
        address, _, port = _rdp_value(settings, "full address").partition(":")
        reveal = _needed(page.form_to("/password"), "a way to see the password")
        password = "".join(self.submit(reveal).texts_in("secret"))
        return ReadyDesktop(
            id=path.rpartition("/")[2],
            page=path,
            rdp_file=rdp_file,
            address=address,
            port=int(port or 3389),
            user=_rdp_value(settings, "username"),
            password=password,
            ready_seconds=ready_seconds,
        )

    def wait_ready(self, path: str) -> Page:
        """Poll the desktop's page until it offers the password, or shows a failure."""
        give_up = time.monotonic() + LAUNCH_TIMEOUT_S
        while time.monotonic() < give_up:
            page = self.open(path)
            if page.form_to("/password"):
                return page
            if page.form_with("launch_token"):  # *Try again*
                raise SetupFailed("The desktop could not be made.", _said(page))
            time.sleep(LOOK_EVERY_S)
        raise SetupFailed(f"No desktop after {LAUNCH_TIMEOUT_S} s.", "The worker's log says more.")

    def cookie_header(self) -> str:
        """Return the cookies as another client of the same person would send them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)

    def open(self, path: str) -> Page:
        return Page(self.read_text(path))

    def submit(self, form: Form, **values: str) -> Page:
        """Submit a form of the current page with some fields filled in; return the next page."""
        body = urllib.parse.urlencode(form.fields | values).encode()
        return Page(self._fetch(form.action or self.at, body))

    def read_text(self, path: str) -> str:
        return self._fetch(path, None)

    def _fetch(self, path: str, body: bytes | None) -> str:
        target = urllib.parse.urljoin(self.at, path)
        try:
            with self._browser.open(target, body, timeout=30) as answer:
                self.at, self.status = answer.url, answer.status
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            # an error response is a page too, and explains its status
            self.at, self.status = error.url, error.code
            return error.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            raise SetupFailed(
                f"The portal does not answer at {target}: {error}", "Is it up?"
            ) from None


def _needed(found: Found | None, what: str) -> Found:
    if found is None:
        raise SetupFailed(f"The page does not have {what}.", "Look at the web server's log.")
    return found


def _said(page: Page) -> str:
    """Return the page's text without its navigation."""
    return " ".join(page.texts_in("lone") or page.texts_in("notices") or page.texts_in("panel"))[
        :400
    ]


def _rdp_value(settings: str, name: str) -> str:
    match = re.search(rf"^{name}:\w:(.*)$", settings, re.MULTILINE)
    if match is None:
        raise SetupFailed(f"The .rdp file has no {name}.", "Look at the web server's log.")
    return match.group(1).strip()
