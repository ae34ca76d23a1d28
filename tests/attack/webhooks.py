"""Webhooks to addresses that are not public."""

import contextlib
import socket

from setup.failure import SetupFailed
from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target

INWARD = (
    "https://[fec0::1]/",
    "https://[feff::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:a00:1::]/",
    "https://127.0.0.1/",
    "https://169.254.169.254/",
)
#: Names that the resolver maps to 127.0.0.1, so only the connection check can refuse them.
SPELLED = ("0x7f000001", "2130706433")


@attack(
    "webhooks: addresses of inner networks in every form",
    "each is refused when it is added, or before it is connected to",
)
def inner_addresses(target: Target) -> str:
    taken = [url for url in INWARD if is_taken(target, url)]
    if taken:
        raise Broken(f"a webhook may be sent to {', '.join(taken)}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(0.5)
        for host in SPELLED:
            if is_connected(target, f"https://{host}:{port}/", listener):
                raise Broken(f"a webhook to {host} reached the machine itself")
    return f"{len(INWARD)} addresses refused; {len(SPELLED)} more never connected to"


def is_taken(target: Target, url: str) -> bool:
    try:
        made = target.portal.ask("webhook", "add", url)
    except SetupFailed:
        return False
    target.portal.command("webhook", "remove", str(made["id"]))
    return True


def is_connected(target: Target, url: str, listener: socket.socket) -> bool:
    """Whether a test event of this webhook reaches the connection."""
    try:
        number = str(target.portal.ask("webhook", "add", url)["id"])
    except SetupFailed:
        return False
    try:
        with contextlib.suppress(SetupFailed):
            target.portal.command("webhook", "test", number)
        return is_asked(listener)
    finally:
        target.portal.command("webhook", "remove", number)


def is_asked(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return False
    return True
