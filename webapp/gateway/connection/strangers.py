"""Connections of nobody: those that have not shown a ticket, a key or a sign-in yet.

They take no places. Each address has few, and the newest counts: what an honest browser has to say
it says at once, so only who waits on purpose is the oldest. Where the peer is a trusted proxy, the
address is that of the browser once the request's head is read; until then the total is the limit.
"""

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from webapp.gateway.connection.allowance import Allowance

MOST_OF_AN_ADDRESS = 32
MOST = 1000
HAND_SHAKE_COST = 0.002
"""Processor seconds that a hand-shake takes, with some to spare; an address has an allowance."""
_MOST_ALLOWANCES = 5000
_NETWORK_BITS = 64
"""One household or one attacker has as many IPv6 addresses."""

Drop = Callable[[], None]


class Strangers:
    """Of one process. The visitors are any objects, known by identity."""

    def __init__(self) -> None:
        self._by_place: dict[str, dict[object, Drop]] = {}
        self._places: dict[object, str] = {}
        self._allowances: dict[str, Allowance] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, visitor: object, place: str, drop: Drop) -> None:
        """One more; of too many the oldest is dropped. No place: it is not known yet."""
        self.remove(visitor)
        theirs = self._by_place.setdefault(place, {})
        if place and len(theirs) >= MOST_OF_AN_ADDRESS:
            self._drop_oldest(place)
        elif len(self) >= MOST:
            self._drop_oldest(max(self._by_place, key=lambda one: len(self._by_place[one])))
        self._by_place.setdefault(place, {})[visitor] = drop
        self._places[visitor] = place

    def move(self, visitor: object, place: str) -> None:
        """The address of one that waits is known now."""
        at = self._places.get(visitor)
        if at is not None and at != place:
            self.add(visitor, place, self._by_place[at][visitor])

    def remove(self, visitor: object) -> None:
        """It was let in, or left."""
        place = self._places.pop(visitor, None)
        if place is not None:
            del self._by_place[place][visitor]
            if not self._by_place[place]:
                del self._by_place[place]

    def rest(self, place: str) -> float:
        """How long one from there waits before its hand-shake begins."""
        now = asyncio.get_running_loop().time()
        if len(self._allowances) >= _MOST_ALLOWANCES:
            self._allowances = {
                one: each for one, each in self._allowances.items() if not each.is_unused(now)
            }
        if len(self._allowances) >= _MOST_ALLOWANCES:
            self._allowances.clear()
        return self._allowances.setdefault(place, Allowance(now)).spend(HAND_SHAKE_COST, now)

    def _drop_oldest(self, place: str) -> None:
        visitor, drop = next(iter(self._by_place[place].items()))
        self.remove(visitor)
        drop()


def place_of(address: str) -> str:
    """What counts as one address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{parsed.exploded[: _NETWORK_BITS // 4 + 3]}::/{_NETWORK_BITS}"
    return str(parsed)
