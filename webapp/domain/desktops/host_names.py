"""The DNS names of desktops: each is the desktop's id under the site's own domain."""

import re
from collections.abc import Iterable

#: A name in DNS has at most 253 characters; `desktop-0a1b2c3d.` takes 17 of them.
LONGEST_DOMAIN = 253 - 17
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def parse_domain(text: str) -> str:
    """Return a domain in the form in which names are compared: small letters, no final dot.

    Raises ValueError for anything that is not a DNS name; an IPv4 address is none.
    """
    domain = text.lower().removesuffix(".")
    labels = domain.split(".")
    is_name = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    if not is_name or len(domain) > LONGEST_DOMAIN:
        raise ValueError(f"{text!r} is not a DNS name")
    return domain


def fqdn_of(public_id: str, domain: str) -> str | None:
    """Return a desktop's name; None if the site has no domain for desktops."""
    return f"{public_id}.{domain}" if domain else None


def hosts_lines(desktops: Iterable[tuple[str, str]], domain: str) -> str:
    """Return one line of hosts(5) for each pair of a desktop's id and its address."""
    return "".join(
        f"{address} {fqdn_of(public_id, domain)}\n" for public_id, address in sorted(desktops)
    )
