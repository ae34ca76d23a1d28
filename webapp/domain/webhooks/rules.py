"""Webhooks: the events, the allowed targets, signatures and retries."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from webapp.domain.errors import BadInput, Refused

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

LONGEST_URL = 500
#: The maximum number of webhooks.
MOST_WEBHOOKS = 20
#: The wait after the first failed attempt; doubled each time, up to the longest.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
#: A delivery is given up after this time.
GIVE_UP_AFTER = timedelta(days=1)
#: How long finished deliveries are shown.
KEPT = timedelta(days=7)

#: IPv4 networks that are not part of the public internet, from the IANA registry of special-purpose
#: addresses. Python's own list differs between versions.
_CLOSED_IPV4 = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
#: All public IPv6 addresses lie in this network: outside it are loopback, IPv4-mapped addresses,
#: NAT64, site-local, link-local, unique local and multicast ones.
_PUBLIC_IPV6 = ip_network("2000::/3")
#: Parts of it that are not public: protocols with Teredo, documentation, 6to4.
_CLOSED_IPV6 = [
    ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


#: The maximum number of refusals within this time that are sent to a webhook one by one. The rest
#: are sent as one delivery with their number, at the end of that time.
MOST_REFUSALS = 10
REFUSALS_WITHIN = timedelta(minutes=5)


class WebhookEvent(StrEnum):
    """The events that a webhook can be sent."""

    LAUNCH = "launch"
    """A launch was accepted."""
    READY = "ready"
    """It can be opened."""
    END = "end"
    """It is gone; `reason` is the cause."""
    REFUSAL = "refusal"
    """A launch was refused; `reason` is the cause."""
    FAILURE = "failure"
    """A desktop could not be made."""
    TEST = "test"
    """An administrator tests the webhook; every webhook gets it."""


#: The events that a webhook can subscribe to.
CHOOSABLE = [event for event in WebhookEvent if event is not WebhookEvent.TEST]
#: Audit actions that are events, whether they succeeded or were refused.
DONE = {
    "desktop.launch": WebhookEvent.LAUNCH,
    "desktop.ready": WebhookEvent.READY,
    "desktop.resumed": WebhookEvent.READY,
    "desktop.end": WebhookEvent.END,
    "desktop.build_failed": WebhookEvent.FAILURE,
    "desktop.assign_failed": WebhookEvent.FAILURE,
    "desktop.adopt_failed": WebhookEvent.FAILURE,
}
REFUSED = {"desktop.launch": WebhookEvent.REFUSAL}


def event_of(action: str, *, is_refused: bool) -> WebhookEvent | None:
    """Returns the event of an audit entry with this action, or None."""
    return (REFUSED if is_refused else DONE).get(action)


@dataclass(frozen=True)
class Target:
    """The parts of a webhook's URL."""

    is_tls: bool
    host: str
    port: int
    path: str
    """Includes the query."""

    @property
    def authority(self) -> str:
        """Host and port for the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def parse_url(text: str) -> Target:
    """Parses a webhook's URL. Raises BadInput if it is not a valid one."""
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > LONGEST_URL:
        raise BadInput("url", "url_characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput("url", "url_unreadable") from error
    if parts.scheme not in ("http", "https") or not host:
        raise BadInput("url", "url_scheme")
    if parts.username is not None or parts.fragment or port == 0:
        raise BadInput("url", "url_parts")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_tls, host, port or (443 if is_tls else 80), path)


def parse_events(words: Iterable[str]) -> list[WebhookEvent]:
    """Parses the chosen events, in order, at least one. Raises BadInput."""
    chosen = set(words)
    if unknown := chosen - set(CHOOSABLE):
        raise BadInput("events", "unknown_event", event=min(unknown)[:32], choices=tuple(CHOOSABLE))
    if not chosen:
        raise BadInput("events", "no_event", choices=tuple(CHOOSABLE))
    return [event for event in CHOOSABLE if event in chosen]


def check_literal(host: str, allowed: Sequence[Network]) -> None:
    """Refuses a host that is a literal address outside the allowed targets."""
    try:
        address = ip_address(host)
    except ValueError:
        return
    decide_address([str(address)], allowed)


def decide_address(found: Sequence[str], allowed: Sequence[Network]) -> str:
    """Returns the address to connect to, of all addresses of a host.

    Raises Refused if any address is neither public nor in an allowed network: a name with both
    kinds is an attack or a mistake.
    """
    addresses = [ip_address(text.partition("%")[0]) for text in found]
    for address in addresses:
        if not any(address in network for network in allowed) and not _is_public(address):
            raise Refused("address.closed", address=str(address))
    if not addresses:
        raise Refused("address.none")
    return str(addresses[0])


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_IPV4)
    return address in _PUBLIC_IPV6 and not any(address in network for network in _CLOSED_IPV6)


def make_secret() -> str:
    """Returns the signing secret of a new webhook: 256 random bits."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def make_event_id() -> str:
    """Returns an id for one event; it is the same in every attempt."""
    return f"event-{secrets.token_hex(12)}"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Returns `X-Winux-Signature`: HMAC-SHA256 over the timestamp, a full stop and the body."""
    signed = str(timestamp).encode() + b"." + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def decide_next_try(
    attempts: int, created_at: datetime, now: datetime, chance: float
) -> datetime | None:
    """Returns the time of the next attempt after `attempts` failures, or None to give up.

    `chance` is 0 to 1.
    """
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    again_at = now + pause * (0.75 + chance / 2)
    return again_at if again_at < created_at + GIVE_UP_AFTER else None
