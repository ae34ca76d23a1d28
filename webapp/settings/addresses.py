"""The addresses for desktops."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network

from webapp.domain.nodes.addresses import AddressPool
from webapp.settings.reader import BadConfig, Reader


def addresses(read: Reader) -> AddressPool:
    """Returns the pool: by default .64 to the last host, with the first host as the router."""
    try:
        network = IPv4Network(read.text("WINUX_NETWORK"))
    except ValueError as error:
        raise BadConfig(f"WINUX_NETWORK is not a network such as 10.203.0.0/24: {error}") from error
    if network.prefixlen > 25:
        raise BadConfig(f"WINUX_NETWORK {network} is too small; it takes /25 or larger.")
    pool = AddressPool(
        network=network,
        first=_address(read, "WINUX_ADDRESS_FIRST", network[64]),
        last=_address(read, "WINUX_ADDRESS_LAST", network[-2]),
        router=_address(read, "WINUX_ROUTER", network[1]),
    )
    if not (pool.first in network and pool.last in network and pool.first <= pool.last):
        raise BadConfig(
            f"WINUX_ADDRESS_FIRST {pool.first} to WINUX_ADDRESS_LAST {pool.last} "
            f"is not a range inside {network}."
        )
    if pool.first <= pool.router <= pool.last:
        raise BadConfig(f"WINUX_ROUTER {pool.router} lies inside the range of the desktops.")
    return pool


def _address(read: Reader, name: str, default: IPv4Address) -> IPv4Address:
    text = read.text(name)
    try:
        return IPv4Address(text) if text else default
    except AddressValueError as error:
        raise BadConfig(f"{name} is not an IPv4 address: {error}") from error
