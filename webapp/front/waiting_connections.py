"""The waiting connections: finds those past their deadline and the one to drop for a new one."""

from collections import Counter

from webapp.front.connection import Connection


class WaitingConnections:
    """All connections of a worker that no thread is handling."""

    def __init__(self) -> None:
        self._waiting: dict[Connection, None] = {}

    def add(self, one: Connection) -> None:
        self._waiting[one] = None

    def remove(self, one: Connection) -> None:
        self._waiting.pop(one, None)

    def late(self, now: float, *, everybody: bool = False) -> list[Connection]:
        """Return the connections past their deadline, or all of them."""
        return [one for one in self._waiting if everybody or one.deadline <= now]

    def hurry(self, deadline: float) -> None:
        """Lower the deadline of all connections that have no response left to send."""
        for one in self._waiting:
            if not one.outbox:
                one.deadline = min(one.deadline, deadline)

    def longest_waiting(self) -> Connection | None:
        """Return the connection to drop if there are too many; None if there is none.

        It is the oldest of the address with the most connections, so that one address cannot crowd
        out others. Behind a proxy all connections have the same address.
        """
        if not self._waiting:
            return None
        address, _ = Counter(one.address for one in self._waiting).most_common(1)[0]
        return min((one for one in self._waiting if one.address == address), key=_since)


def _since(one: Connection) -> float:
    return one.waits_since
