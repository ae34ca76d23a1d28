"""The gateway's access to the database: runs the blocking services in a thread pool."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.errors import WinuxError
from webapp.gateway.connection.admission import Refusal
from webapp.services.connections.admission import Admitted, Client, Denied
from webapp.services.connections.connections import Connections, Traffic
from webapp.services.connections.tickets import Tickets

T = TypeVar("T")
THREADS = 4


class DatabaseAdmissions:
    """Implements `Admissions` with the services."""

    def __init__(self, tickets: Tickets, connections: Connections) -> None:
        self._tickets = tickets
        self._connections = connections
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")

    async def admit(self, ticket: str, client: Client) -> Admitted:
        try:
            return await self.in_thread(lambda: self._tickets.redeem(ticket, client))
        except Denied as denied:
            raise Refusal(denied.ending.why, denied.ending.detail) from denied
        except WinuxError as error:
            raise Refusal(ConnectionEnd.FULL) from error

    async def look(self, connection_ids: list[int]) -> dict[int, Ending]:
        return await self.in_thread(lambda: self._connections.endings(connection_ids))

    async def beat(self, traffic: list[Traffic]) -> None:
        await self.in_thread(lambda: self._connections.beat(traffic))

    async def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        await self.in_thread(lambda: self._connections.close(traffic, why))

    def end(self) -> None:
        """Wait for the running calls, then end the threads."""
        self._threads.shutdown()

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run a blocking call outside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
