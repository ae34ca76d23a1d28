"""What the relay needs from the database, as a protocol that hides the services."""

from dataclasses import dataclass
from typing import Protocol

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.services.connections.connections import Traffic
from webapp.services.connections.tickets import Admitted


class Refusal(Exception):
    """Raised to refuse or end a connection; `ending` holds the reason."""

    def __init__(self, why: ConnectionEnd, detail: str = "") -> None:
        super().__init__(f"{why} {detail}".strip())
        self.ending = Ending(why, detail)


@dataclass(frozen=True)
class Browser:
    """The address and the user agent of a browser."""

    source_address: str
    user_agent: str


class Admissions(Protocol):
    """Redeems tickets and maintains connection rows. No method blocks the event loop."""

    async def admit(self, ticket: str, browser: Browser) -> Admitted:
        """Redeem the ticket and insert the connection's row. Raises Refusal."""

    async def look(self, connection_ids: list[int]) -> dict[int, Ending]:
        """Return those of the connections that must end, from one query. Raises OutsideFailed."""

    async def beat(self, traffic: list[Traffic]) -> None:
        """Store the traffic of the connections so far."""

    async def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        """Close a connection's row."""
