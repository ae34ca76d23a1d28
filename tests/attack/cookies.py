"""Cookies, attacked from a neighbouring site or from the network path to the browser."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urlencode

from setup.environment import VENV
from setup.pages import Page
from setup.processes import Child
from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target

SITE = "desktops.example.org"
START_S, TIMEOUT_S = 60, 60
#: Scripts change the colours, so this cookie is readable for them.
FOR_SCRIPTS = "winux-look"


@dataclass
class Browser:
    """A browser that keeps every cookie as it was set."""

    host: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, "Morsel[str]"] = field(default_factory=dict)

    def open(self, path: str) -> Page:
        return self._ask("GET", path, None)

    def submit(self, path: str, **fields: str) -> Page:
        return self._ask("POST", path, urlencode(fields))

    def _ask(self, method: str, path: str, body: str | None) -> Page:
        link = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        shown = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        try:
            link.request(method, path, body, {**self.headers, **form, "Cookie": shown})
            answer = link.getresponse()
            for text in answer.headers.get_all("Set-Cookie", []):
                self.cookies.update(SimpleCookie(text))
            return Page(answer.read().decode())
        finally:
            link.close()

    def sign_in(self, name: str, password: str) -> None:
        """Sign in and choose colours, so that every cookie is set."""
        token = self._token()
        self.submit("/sign-in", csrf_token=token, name=name, password=password)
        if self.is_out():
            raise RuntimeError("the sign-in was refused")
        self.submit("/look", csrf_token=self._token("/"), look="dark")

    def is_out(self) -> bool:
        """Whether the portal requires sign-in."""
        page = self.open("/account/keys/")
        return page.form_with("name", "scope") is None

    def _token(self, path: str = "/sign-in") -> str:
        for form in self.open(path).forms:
            if "csrf_token" in form.fields:
                return form.fields["csrf_token"]
        raise RuntimeError(f"{path} has no form")


@contextmanager
def behind_tls(target: Target) -> Iterator[Browser]:
    """Run another web server of this portal, as behind a proxy that terminates TLS."""
    with socket.socket() as free:
        free.bind((target.host, 0))
        port = free.getsockname()[1]
    changes = {"WINUX_PUBLIC_URL": f"https://{SITE}", "WINUX_TRUSTED_PROXIES": "1"}
    command = [VENV / "bin/gunicorn", "--bind", f"{target.host}:{port}", "wsgi:app"]
    log = target.settings.logs / "web-tls.log"
    child = Child("web server", command, log, target.portal.process_environment | changes)
    try:
        child.wait_until(lambda: is_up(target.host, port), START_S, "See its log.")
        yield proxied(target.host, port)
    finally:
        child.stop()


def proxied(host: str, port: int) -> Browser:
    """Return a browser whose requests have the headers of a proxy."""
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    return Browser(host, port, {**forwarded, "Host": SITE, "Origin": f"https://{SITE}"})


def is_up(host: str, port: int) -> bool:
    try:
        Browser(host, port).open("/healthz")
    except OSError:
        return False
    return True


def check_flags(cookies: dict[str, "Morsel[str]"], *, tls: bool) -> None:
    for name, one in cookies.items():
        wrong = {
            "the prefix": name.startswith("__Host-") != tls,
            "Secure": bool(one["secure"]) != tls,
            "a domain": bool(one["domain"]),
            "a path": one["path"] != "/",
            "SameSite": one["samesite"] not in ("Lax", "Strict"),
            "HttpOnly": not one["httponly"] and not name.endswith(FOR_SCRIPTS),
        }
        if found := [what for what, is_wrong in wrong.items() if is_wrong]:
            raise Broken(f"the cookie {name} is wrong in {', '.join(found)}")


@attack(
    "cookies: set by a site of a neighbouring name, read by scripts, sent without TLS",
    "behind TLS each is __Host-, Secure and of no domain; a planted one signs nobody in",
    quick=True,
)
def cookies(target: Target) -> str:
    password = target.person("cookie-owner")
    plain = Browser(target.host, target.settings.port, {"Origin": target.url})
    plain.sign_in("cookie-owner", password)
    check_flags(plain.cookies, tls=False)
    with behind_tls(target) as browser:
        browser.sign_in("cookie-owner", password)
        check_flags(browser.cookies, tls=True)
        check_planted(browser)
    if len(browser.cookies) != len(plain.cookies):
        raise Broken(f"{sorted(plain.cookies)} are {sorted(browser.cookies)} behind TLS")
    return f"{', '.join(sorted(browser.cookies))} behind TLS; planted under other names: signed out"


def check_planted(browser: Browser) -> None:
    """Check that a neighbouring site can set any cookie except one with the prefix."""
    good = browser.cookies["__Host-winux"]
    for name in ("winux", "__Secure-winux", "__host-winux"):
        victim = proxied(browser.host, browser.port)
        victim.cookies = {name: good}
        if not victim.is_out():
            raise Broken(f"the cookie {name} signs in")
