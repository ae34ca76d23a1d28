"""Connections that send little, late or nothing."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target

#: Twice the threads of two web workers with four threads each, plus one.
HALF_REQUESTS = 17
WATCHED_S = 8.0
#: Maximum seconds for a page on a busy machine during an attack.
PAGE_S = 5.0


@contextmanager
def half_open(host: str, port: int, head: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Open `count` connections that have sent only `head`."""
    with ExitStack() as stack:
        links = []
        for _ in range(count):
            link = stack.enter_context(socket.create_connection((host, port), 10))
            link.sendall(head)
            links.append(link)
        yield links


@attack("web: half a request, many times", f"a page opens in {PAGE_S:.0f} s for others", quick=True)
def half_requests(target: Target) -> str:
    head = b"POST /sign-in HTTP/1.1\r\nHost: portal\r\nContent-Length: 100\r\n\r\nname="
    with (
        half_open(target.host, target.settings.port, head, HALF_REQUESTS),
        target.bystander(f"{target.url}/sign-in") as looks,
    ):
        time.sleep(WATCHED_S)
    if looks.longest > PAGE_S:
        raise Broken(f"somebody else's page took {looks.longest:.1f} s")
    return f"{HALF_REQUESTS} half requests; somebody else's page took {looks.longest:.2f} s at most"
