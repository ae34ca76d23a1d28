"""Stolen credentials after a new password, a suspension or a sign-out of all sessions."""

import http.client
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from setup.page_client import PageClient
from tests.attack.catalogue import attack
from tests.attack.client import API, Client
from tests.attack.promise import Broken
from tests.attack.target import Target

WAYS = {
    "a new password": ("passwd", "--generate"),
    "a sign-out everywhere": ("sign-out",),
    "a suspension": ("suspend",),
}
STREAM_ENDS_S = 30


@attack(
    "keys: used after a new password, a sign-out everywhere, a suspension",
    "key, sign-in and event stream are dead",
)
def after_the_end(target: Target) -> str:
    streams = []
    for number, (way, (command, *options)) in enumerate(WAYS.items()):
        name = f"robbed{number}-{secrets.token_hex(3)}"
        key, browser = target.client(name, "read"), target.visitor(name)
        if key.api("GET", "/sessions").status != 200 or is_out(browser):
            raise RuntimeError("key and sign-in did not work before")
        with stream(target, key) as opened:
            end_all(target, command, name, *options)
            check_dead(way, key, browser)
            streams.append(seconds_until_end(opened, way))
    return f"{len(WAYS)} ways: keys 401, sign-ins out, streams closed in {max(streams):.1f} s"


def end_all(target: Target, command: str, name: str, *options: str) -> None:
    target.portal.command("person", command, name, *options)


def check_dead(way: str, key: Client, browser: PageClient) -> None:
    status = key.api("GET", "/sessions").status
    if status != 401:
        raise Broken(f"after {way} the key is answered with {status}")
    if not is_out(browser):
        raise Broken(f"after {way} the sign-in still works")


def is_out(browser: PageClient) -> bool:
    return browser.open("/").form_with("name", "password") is not None


@contextmanager
def stream(target: Target, key: Client) -> Iterator[http.client.HTTPResponse]:
    """Open a stream of events and return it after its first bytes."""
    port = target.settings.gateway_port
    link = http.client.HTTPConnection(target.host, port, timeout=STREAM_ENDS_S)
    try:
        link.request("GET", f"{API}/events", headers={"Authorization": f"Bearer {key.key}"})
        answer = link.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"the stream of events is answered with {answer.status}")
        yield answer
    finally:
        link.close()


def seconds_until_end(answer: http.client.HTTPResponse, way: str) -> float:
    began = time.monotonic()
    try:
        while answer.read1(1 << 16):
            if time.monotonic() - began > STREAM_ENDS_S:
                raise Broken(f"after {way} events still come")
    except TimeoutError:
        raise Broken(f"after {way} the stream of events stays open") from None
    return time.monotonic() - began
