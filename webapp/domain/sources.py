"""The client address of a request, in one canonical form."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_V4_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_IN_BRACKETS = re.compile(r"\[([^\]]*)\](:[0-9]{1,5})?")
_LONGEST = 100


def canonical_address(text: str) -> str:
    """Returns an address in the form of limits, policies and audit log; empty if it is invalid.

    Proxies and sockets also write 203.0.113.9:40001, [2001:db8::1]:443, fe80::1%eth0, and
    ::ffff:203.0.113.9 for an IPv4 address on a dual-stack socket.
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
    """Returns the peer's address, or the address that the trusted proxies report for it.

    `forwarded` is the value of `X-Forwarded-For`; several such headers are joined in order with
    commas. Each proxy appends one entry, so all but the last `trusted_proxies` are untrusted.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if trusted_proxies and len(hops) >= trusted_proxies:
        return canonical_address(hops[-trusted_proxies]) or canonical_address(peer)
    return canonical_address(peer)
