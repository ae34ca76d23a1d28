"""Limits connections that have not yet shown a ticket, an API key or a sign-in.

They do not count towards the maximum number of connections. Each address may have a few; one more
drops the oldest. An honest browser sends its request at once, so the oldest is one that waits on
purpose. Behind a trusted proxy the browser's address is known only once the request headers are
read; until then only the limit on the total applies.
"""

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from webapp.gateway.connection.allowance import Allowance

MOST_OF_AN_ADDRESS = 32
MOST = 1000
HAND_SHAKE_COST = 0.002
"""Processor seconds charged to an address for a handshake: the cost with a margin."""
_MOST_ALLOWANCES = 5000
_NETWORK_BITS = 64
"""IPv6 addresses count by /64 network, which one household or one attacker has to itself."""

Drop = Callable[[], None]


class UnauthenticatedConnections:
    """The unauthenticated connections of one process: any objects, compared by identity."""

    def __init__(self) -> None:
        self._by_place: dict[str, dict[object, Drop]] = {}
        self._places: dict[object, str] = {}
        self._allowances: dict[str, Allowance] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, connection: object, place: str, drop: Drop) -> None:
        """Add a connection; drop the oldest above the limit. An empty `place` is not known yet."""
        self.remove(connection)
        theirs = self._by_place.setdefault(place, {})
        if place and len(theirs) >= MOST_OF_AN_ADDRESS:
            self._drop_oldest(place)
        elif len(self) >= MOST:
            self._drop_oldest(max(self._by_place, key=lambda one: len(self._by_place[one])))
        self._by_place.setdefault(place, {})[connection] = drop
        self._places[connection] = place

    def move(self, connection: object, place: str) -> None:
        """Record the address of a connection once it is known."""
        at = self._places.get(connection)
        if at is not None and at != place:
            self.add(connection, place, self._by_place[at][connection])

    def remove(self, connection: object) -> None:
        """Remove a connection that was admitted or has left."""
        place = self._places.pop(connection, None)
        if place is not None:
            del self._by_place[place][connection]
            if not self._by_place[place]:
                del self._by_place[place]

    def rest(self, place: str) -> float:
        """Charge one handshake to the address; return the seconds to wait before it begins."""
        now = asyncio.get_running_loop().time()
        if len(self._allowances) >= _MOST_ALLOWANCES:
            self._allowances = {
                one: each for one, each in self._allowances.items() if not each.is_unused(now)
            }
        if len(self._allowances) >= _MOST_ALLOWANCES:
            self._allowances.clear()
        return self._allowances.setdefault(place, Allowance(now)).spend(HAND_SHAKE_COST, now)

    def _drop_oldest(self, place: str) -> None:
        connection, drop = next(iter(self._by_place[place].items()))
        self.remove(connection)
        drop()


def place_of(address: str) -> str:
    """Return the limit's key for an address: the IPv4 address or the IPv6 /64 network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{parsed.exploded[: _NETWORK_BITS // 4 + 3]}::/{_NETWORK_BITS}"
    return str(parsed)
