"""A client without an account that reads the portal's public pages during an outage."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.attack.catalogue import attack
from tests.attack.client import Answer, Client
from tests.attack.promise import Broken
from tests.attack.target import Target

#: Headers with the origin of a request, as a proxy sends them and as a stranger forges them.
ORIGINS: dict[str, dict[str, str]] = {
    "passed on": {"X-Forwarded-For": "203.0.113.9"},
    "forged first hop": {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"},
    "forged loopback": {"X-Forwarded-For": "127.0.0.1"},
    "IPv6 loopback": {"X-Forwarded-For": "::1"},
    "empty": {"X-Forwarded-For": ""},
    "Forwarded": {"Forwarded": "for=127.0.0.1"},
    "X-Real-IP": {"X-Real-IP": "127.0.0.1"},
    "guessed token": {"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer guessed"},
}
WEB_PATHS = ("/readyz", "/healthz", "/sign-in", "/metrics", "/nothing", "/api/v1/sessions")
GATEWAY_PATHS = ("/gateway/ping", "/gateway/nothing", "/api/v1/events")
#: The worker checks Proxmox VE twice a minute, and a check has its own timeout.
NOTICED_S = 120


@contextmanager
def mute_node(target: Target) -> Iterator[None]:
    """Suspend the lab node's process, so that Proxmox VE does not respond."""
    pid = json.loads((target.settings.lab / "ready").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
        target.wait_until(lambda: not target.portal.troubles(), "all is well again", NOTICED_S)


def troubles_here(target: Target) -> dict[str, str]:
    """Return the troubles that /readyz reports to the portal's own machine."""
    said: Any = target.stranger().ask("GET", "/readyz").json
    return dict(said["troubles"])


def internals(target: Target, troubles: dict[str, str]) -> list[str]:
    """Return texts that no stranger may read."""
    settings = target.settings
    network = settings.subnet.rpartition(".")[0]
    node, host = f":{settings.lab_port}", socket.gethostname()
    return [*troubles.values(), node, network, settings.bridge, str(settings.folder), host]


def texts(answer: Answer) -> str:
    """Return body and headers of a response as one text."""
    return "\n".join([answer.body.decode(errors="replace"), *answer.headers.values()])


def answers(target: Target) -> Iterator[tuple[str, Answer]]:
    """Request every public page with all headers, and /readyz also as a signed-in person."""
    for how, headers in ORIGINS.items():
        stranger = target.stranger()
        stranger.headers = headers
        for path in WEB_PATHS:
            yield f"{path} ({how})", stranger.ask("GET", path)
    gateway = Client(target.host, target.settings.gateway_port)
    for path in GATEWAY_PATHS:
        yield path, gateway.ask("GET", path)
    person = target.stranger()
    person.headers = {**ORIGINS["passed on"], "Cookie": target.visitor("curious").cookie_header()}
    yield "/readyz (a person)", person.ask("GET", "/readyz")


@attack(
    "strangers: /readyz and all open pages while Proxmox VE does not answer",
    "the part in trouble is named; no machine, address, path or error text is",
)
def read_troubles(target: Target) -> str:
    with mute_node(target):
        target.wait_until(lambda: "proxmox" in troubles_here(target), "it is noticed", NOTICED_S)
        troubles = troubles_here(target)
        if f":{target.settings.lab_port}" not in troubles["proxmox"]:
            raise RuntimeError(f"the trouble names no machine: {troubles}")
        count = check_answers(target, internals(target, troubles))
    return f"{count} answers name none of it; on the machine: {troubles['proxmox'][:60]!r}"


def check_answers(target: Target, hidden: list[str]) -> int:
    """Return the number of responses; each may at most name the part in trouble."""
    count = 0
    for how, answer in answers(target):
        count += 1
        if found := [text for text in hidden if text in texts(answer)]:
            raise Broken(f"{how} says {found[0]!r}")
        if how.startswith("/readyz") and list(answer.json["troubles"]) != ["proxmox"]:
            raise Broken(f"{how} does not name the part in trouble: {answer.said}")
    return count
