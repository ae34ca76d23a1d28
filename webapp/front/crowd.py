"""The clients that are waited for: who is late, and who makes room for others."""

from collections import Counter

from webapp.front.connection import Connection


class Crowd:
    """All connections of a worker that no thread answers now."""

    def __init__(self) -> None:
        self._waiting: dict[Connection, None] = {}

    def add(self, one: Connection) -> None:
        self._waiting[one] = None

    def remove(self, one: Connection) -> None:
        self._waiting.pop(one, None)

    def late(self, now: float, *, everybody: bool = False) -> list[Connection]:
        """Those whose time is over."""
        return [one for one in self._waiting if everybody or one.deadline <= now]

    def hurry(self, deadline: float) -> None:
        """Nobody whose answer is not under way has longer than this."""
        for one in self._waiting:
            if not one.outbox:
                one.deadline = min(one.deadline, deadline)

    def longest_waiting(self) -> Connection | None:
        """The first to go where there is no room: the oldest of the address that has most.

        So one address cannot drive others out. Behind a proxy all have the same address.
        """
        if not self._waiting:
            return None
        address, _ = Counter(one.address for one in self._waiting).most_common(1)[0]
        return min((one for one in self._waiting if one.address == address), key=_since)


def _since(one: Connection) -> float:
    return one.waits_since
