"""What the relay needs of the database, as a protocol: the shell around the services."""

from dataclasses import dataclass
from typing import Protocol

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.services.connections.connections import Traffic
from webapp.services.connections.tickets import Admitted


class Refusal(Exception):
    """A connection that is not made, or ends; `ending` says why."""

    def __init__(self, why: ConnectionEnd, detail: str = "") -> None:
        super().__init__(f"{why} {detail}".strip())
        self.ending = Ending(why, detail)


@dataclass(frozen=True)
class Visitor:
    """Where a browser comes from and what it calls itself."""

    source_address: str
    user_agent: str


class Admissions(Protocol):
    """Tickets in, connection rows out. None of these blocks the event loop."""

    async def admit(self, ticket: str, visitor: Visitor) -> Admitted:
        """Redeem the ticket and open a connection's row. Raises Refusal."""

    async def look(self, connection_ids: list[int]) -> dict[int, Ending]:
        """Which of these connections must end, with one query. Raises OutsideFailed."""

    async def beat(self, traffic: list[Traffic]) -> None:
        """Write what the connections carried so far."""

    async def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        """Close a connection's row."""
