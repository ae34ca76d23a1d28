"""What the doorkeeper needs from the database, as a protocol that hides the services."""

from typing import Protocol

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.services.connections.admission import Admitted, Client
from webapp.services.connections.connections import Traffic


class Refusal(Exception):
    """Raised to refuse or end a connection; `ending` holds the reason."""

    def __init__(self, why: ConnectionEnd, detail: str = "") -> None:
        super().__init__(f"{why} {detail}".strip())
        self.ending = Ending(why, detail)


class Admissions(Protocol):
    """Redeems tickets and maintains connection rows. No method blocks the event loop."""

    async def admit(self, ticket: str, client: Client) -> Admitted:
        """Redeem a ticket of the client's door, decide, and insert the connection's row.

        Raises Refusal.
        """

    async def look(self, connection_ids: list[int]) -> dict[int, Ending]:
        """Decide again about open connections; return those that must end, from one query.

        Raises OutsideFailed.
        """

    async def beat(self, traffic: list[Traffic]) -> None:
        """Store the traffic of the connections so far."""

    async def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        """Close a connection's row."""
