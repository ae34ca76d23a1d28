"""Where a request comes from."""


def source_address(peer: str, forwarded: str, trusted_proxies: int) -> str:
    """The peer, or what the trusted proxies in front of us say of it (`X-Forwarded-For`)."""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if trusted_proxies and len(hops) >= trusted_proxies:
        return hops[-trusted_proxies][:45]
    return peer
