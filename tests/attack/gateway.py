"""Connections to the gateway's port without a ticket or key."""

import time
import urllib.error
import urllib.request

from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.slow_clients import PAGE_S, half_open
from tests.attack.target import Target

MANY = 150
WATCHED_S = 4.0


def events_status(target: Target) -> int:
    """Return the status of a complete request without a key."""
    try:
        with urllib.request.urlopen(f"{target.gateway_url}/api/v1/events", timeout=PAGE_S) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@attack(
    "gateway: half requests and silent browsers",
    f"they take no places, and a ping is answered in {PAGE_S:.0f} s",
    quick=True,
)
def places_of_nobody(target: Target) -> str:
    hand_shake = (
        f"GET /gateway/rdp HTTP/1.1\r\nHost: x\r\nOrigin: {target.url}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n"
    ).encode()
    port = target.settings.gateway_port
    with (
        half_open(target.host, port, b"GET /api/v1/events HTTP/1.1\r\nHost:", MANY),
        half_open(target.host, port, hand_shake, MANY),
        target.bystander(f"{target.gateway_url}/gateway/ping") as looks,
    ):
        time.sleep(WATCHED_S)
        status = events_status(target)
    if status != 401:
        raise Broken(f"a request for events is answered with {status}")
    if looks.longest > PAGE_S:
        raise Broken(f"somebody else's ping took {looks.longest:.1f} s")
    return f"{2 * MANY} connections of nobody; a ping took {looks.longest:.2f} s at most"
