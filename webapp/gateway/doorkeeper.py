"""The five steps of every connection, through whichever door it comes.

1. *Who is it*: the door reads a credential from the client (`Entry.credential`).
2. *Decide*, and 3. write the *connection's row*: one call to the database (`Admissions.admit`).
4. *Carry*: the door relays (`Entry.carry`). Every second the decision is asked again for all open
   connections (`decide_again`), and the traffic is stored.
5. *End*: the row is closed with the reason, which the door then passes on to the client.

A door is a shell that is an `Entry`, around a protocol that has a folder in the gateway.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.gateway.connection.admission import Admissions, Refusal
from webapp.gateway.connection.allowance import Allowance, Allowances, Limits
from webapp.services.connections.admission import Admitted, Client
from webapp.services.connections.connections import Traffic

log = logging.getLogger("winux.gateway")

_TARGET_LEFT = (ConnectionEnd.LOGGED_OUT, ConnectionEnd.UNREACHABLE)
"""Observed when the target ends its side; the database may know why it did."""


class Carrier(Protocol):
    """An open connection that relays between a client and its target."""

    admitted: Admitted

    def end(self, ending: Ending) -> None:
        """Make it end; only the first reason is kept."""

    def traffic(self) -> Traffic:
        """Return the traffic since it was opened."""

    def take_used(self) -> float:
        """Return the processor seconds used since the last call."""


class Entry(Protocol):
    """One client at a door, from its first bytes to its end."""

    client: Client

    async def credential(self) -> str:
        """Return the ticket that the client showed. Raises Refusal."""

    def admit(self, admitted: Admitted, allowance: Allowance) -> Carrier:
        """Make the client's connection ready to carry; its row is open."""

    async def carry(self) -> Ending:
        """Connect to the target and relay until the end; return the reason. Raises Refusal."""

    async def refuse(self, ending: Ending) -> None:
        """Send a refusal in the door's protocol."""


class Doorkeeper:
    """All connections of one process."""

    def __init__(self, admissions: Admissions, max_connections: int, limits: Limits) -> None:
        self._admissions = admissions
        self._max_connections = max_connections
        self._limits = limits
        self._allowances = Allowances(limits)
        self._open: dict[int, Carrier] = {}
        self._entering = 0

    @property
    def count(self) -> int:
        """The number of admitted connections."""
        return len(self._open)

    @property
    def is_full(self) -> bool:
        """Whether no place is free; connections without a redeemed ticket take none."""
        return self.count + self._entering >= self._max_connections

    # -- one connection -------------------------------------------------------------------------

    async def attend(self, entry: Entry) -> Ending:
        """Take a client through all steps; return why its connection ended."""
        try:
            admitted = await self._admit(await entry.credential(), entry.client)
        except Refusal as refusal:
            await entry.refuse(refusal.ending)
            return refusal.ending
        now = asyncio.get_running_loop().time()
        carrier = entry.admit(admitted, self._allowances.of(admitted.person_id, now))
        self._open[admitted.connection_id] = carrier
        ending = Ending(ConnectionEnd.LOST)
        try:
            self._take_over(admitted.taken_over)
            ending = await self._carry(entry, admitted.connection_id)
        finally:
            try:
                # Shielded: the row is closed even if this task is cancelled.
                await asyncio.shield(self._admissions.close(carrier.traffic(), ending.why))
            finally:
                # Only now: `end_all` waits for this, so that the client learns the reason.
                del self._open[admitted.connection_id]
        return ending

    async def _admit(self, credential: str, client: Client) -> Admitted:
        """Redeem the credential if the process is not full. Raises Refusal."""
        if self.is_full:
            raise Refusal(ConnectionEnd.FULL)
        self._entering += 1
        try:
            return await self._admissions.admit(credential, client)
        finally:
            self._entering -= 1

    async def _carry(self, entry: Entry, connection_id: int) -> Ending:
        """Relay; a reason in the database takes precedence over an observed one."""
        try:
            ending = await entry.carry()
        except Refusal as refusal:
            ending = refusal.ending
            await entry.refuse(ending)
        if ending.why in _TARGET_LEFT:
            return (await self._admissions.look([connection_id])).get(connection_id, ending)
        return ending

    def _take_over(self, connection_ids: Iterable[int]) -> None:
        """End this process's connections that were replaced, now instead of at the next check."""
        for connection_id in connection_ids:
            if older := self._open.get(connection_id):
                older.end(Ending(ConnectionEnd.TAKEN_OVER))

    # -- all connections ------------------------------------------------------------------------

    async def decide_again(self) -> None:
        """End connections that the database has marked to end. Raises OutsideFailed."""
        for connection_id, ending in (await self._admissions.look(list(self._open))).items():
            if carrier := self._open.get(connection_id):
                carrier.end(ending)

    async def store_traffic(self) -> None:
        """Store the traffic of all connections. Raises OutsideFailed."""
        await self._admissions.beat([carrier.traffic() for carrier in self._open.values()])

    def cut_greedy(self, seconds: float) -> None:
        """End the busiest connection of each person who has exceeded the share for long; the last
        call was `seconds` ago."""
        used = {carrier: carrier.take_used() for carrier in self._open.values()}
        for person_id in self._allowances.abused(asyncio.get_running_loop().time()):
            theirs = [one for one in used if one.admitted.person_id == person_id]
            most = max(theirs, key=lambda one: used[one], default=None)
            if most and used[most] > self._limits.greedy * seconds:
                most.end(Ending(ConnectionEnd.OVERUSE))

    def tell_all(self, ending: Ending) -> None:
        """Make all connections end."""
        for carrier in self._open.values():
            carrier.end(ending)

    async def end_all(self, ending: Ending, seconds: float) -> None:
        """End all connections and wait until their rows are closed. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self._open:
                self.tell_all(ending)
                await asyncio.sleep(0.02)
