"""The pool of addresses and VM ids that desktops take theirs from."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from webapp.domain.errors import Refused


@dataclass(frozen=True)
class AddressPool:
    """Addresses `first` to `last` (inclusive) of `network`; `gateway` is the network's router."""

    network: IPv4Network
    first: IPv4Address
    last: IPv4Address
    gateway: IPv4Address

    def __iter__(self) -> Iterator[IPv4Address]:
        return (IPv4Address(n) for n in range(int(self.first), int(self.last) + 1))

    def with_prefix(self, address: str) -> str:
        """`address` in CIDR form as Proxmox's net0 takes it, such as 10.203.0.70/24."""
        return f"{address}/{self.network.prefixlen}"


def choose_vmid(first: int, last: int, taken: Collection[int]) -> int:
    """The lowest VM id of the range that nobody holds."""
    for vmid in range(first, last + 1):
        if vmid not in taken:
            return vmid
    raise Refused(
        "no_vmid",
        f"All {last - first + 1} VM ids ({first}–{last}) are in use.",
        what_to_do="Try again when a desktop has ended, or ask an administrator for more.",
    )


def choose_address(pool: AddressPool, taken: Collection[str]) -> str:
    """The lowest address of the pool that nobody holds."""
    for address in pool:
        if str(address) not in taken:
            return str(address)
    raise Refused(
        "no_address",
        f"All addresses ({pool.first}–{pool.last}) are in use.",
        what_to_do="Try again when a desktop has ended, or ask an administrator for more.",
    )
