"""Where a request comes from: one canonical address, whatever form it arrives in."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_V4_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_IN_BRACKETS = re.compile(r"\[([^\]]*)\](:[0-9]{1,5})?")
_LONGEST = 100


def canonical_address(text: str) -> str:
    """An address as limits, policies and the audit log have it; empty when it is none.

    Proxies and sockets also write 203.0.113.9:40001, [2001:db8::1]:443, fe80::1%eth0 and
    ::ffff:203.0.113.9 for an IPv4 address on a socket of both kinds.
    """
    bare = text.strip()[:_LONGEST].strip('"')
    if found := _IN_BRACKETS.fullmatch(bare) or _V4_WITH_PORT.fullmatch(bare):
        bare = found[1]
    bare = bare.partition("%")[0]
    try:
        if ":" not in bare:
            return str(IPv4Address(bare))
        address = IPv6Address(bare)
    except AddressValueError:
        return ""
    return str(address.ipv4_mapped or address)


def source_address(peer: str, forwarded: str, trusted_proxies: int) -> str:
    """The peer, or what the trusted proxies in front of us say of it.

    `forwarded` is `X-Forwarded-For`, several of these headers in their order with commas between;
    each proxy appends one entry, so all but the last `trusted_proxies` are the client's own words.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if trusted_proxies and len(hops) >= trusted_proxies:
        return canonical_address(hops[-trusted_proxies]) or canonical_address(peer)
    return canonical_address(peer)
