"""The pool of addresses and VM ids for desktops."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from webapp.domain.errors import Refused

One = TypeVar("One", int, str)


@dataclass(frozen=True)
class AddressPool:
    """Addresses `first` to `last` (inclusive) of `network`; `router` is the default router."""

    network: IPv4Network
    first: IPv4Address
    last: IPv4Address
    router: IPv4Address

    def __iter__(self) -> Iterator[IPv4Address]:
        return (IPv4Address(n) for n in range(int(self.first), int(self.last) + 1))

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    def has(self, address: str) -> bool:
        """Whether desktops may get `address`; False for anything but an IPv4 address."""
        try:
            return self.first <= IPv4Address(address) <= self.last
        except ValueError:
            return False

    def with_prefix(self, address: str) -> str:
        """Returns `address` in CIDR form for Proxmox's net0, such as 10.203.0.70/24."""
        return f"{address}/{self.network.prefixlen}"


def choose_vmid(
    first: int, last: int, taken: Collection[int], freed: Sequence[int | None] = ()
) -> int:
    """Returns the free VM id of the range that has been free for longest.

    `freed` are ids used before, latest first. An id that is not among them comes first, the lowest
    before the others.
    """
    if vmid := _longest_free(range(first, last + 1), taken, freed):
        return vmid
    raise Refused("no_vmid", count=last - first + 1, first=first, last=last)


def choose_address(
    pool: AddressPool, taken: Collection[str], freed: Sequence[str | None] = ()
) -> str:
    """Returns the free address of the pool that has been free for longest.

    Routers and switches cache for minutes which machine an address belongs to. `freed` are
    addresses used before, latest first.
    """
    if address := _longest_free(map(str, pool), taken, freed):
        return address
    raise Refused("no_address.pool", first=str(pool.first), last=str(pool.last))


def _longest_free(
    all_: Iterable[One], taken: Collection[One], freed: Sequence[One | None]
) -> One | None:
    since = {one: place for place, one in reversed([*enumerate(freed)])}
    best = None
    for one in all_:
        if one in taken:
            continue
        if one not in since:
            return one
        if best is None or since[one] > since[best]:
            best = one
    return best
