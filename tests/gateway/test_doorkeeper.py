"""A door that speaks no RDP goes through the same steps: the doorkeeper knows no protocol."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Door, Protocol, Target, TargetKind
from webapp.gateway.connection.admission import Refusal
from webapp.gateway.connection.allowance import USUAL, Allowance
from webapp.gateway.doorkeeper import Doorkeeper
from webapp.services.connections.admission import Admitted, Client, RdpParameters
from webapp.services.connections.connections import Traffic

TARGET = Target(TargetKind.SERVER, "server-1")
NOTHING = RdpParameters("", 0, "", "", "", "", clipboard_in=False, clipboard_out=False)


@dataclass
class OneRowEach:
    """Admissions that accept the ticket `good` and record each call."""

    endings: dict[int, Ending] = field(default_factory=dict)
    closed: list[tuple[int, ConnectionEnd]] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    taken_over: frozenset[int] = frozenset()
    rows: int = 0

    async def admit(self, ticket: str, client: Client) -> Admitted:
        if ticket != "good":
            raise Refusal(ConnectionEnd.TICKET)
        self.rows += 1
        return Admitted(self.rows, 7, TARGET, Protocol.RDP, NOTHING, self.taken_over)

    async def look(self, connection_ids: list[int]) -> dict[int, Ending]:
        return {one: self.endings[one] for one in connection_ids if one in self.endings}

    async def beat(self, traffic: list[Traffic]) -> None:
        self.stored = [one.connection_id for one in traffic]

    async def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        self.closed.append((traffic.connection_id, why))


class LineOfText:
    """An entry and its carrier in one; stays open until `end` is called."""

    client = Client(Door.BROWSER_VIEW, "192.0.2.9", "a program")

    def __init__(self, ticket: str = "good", ends_with: Ending | Refusal | None = None) -> None:
        self._ticket = ticket
        self._ends_with = ends_with
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.refused: list[Ending] = []
        self.used = 0.0

    async def credential(self) -> str:
        return self._ticket

    def admit(self, admitted: Admitted, allowance: Allowance) -> "LineOfText":
        self.admitted, self._allowance = admitted, allowance
        return self

    async def carry(self) -> Ending:
        if isinstance(self._ends_with, Refusal):
            raise self._ends_with
        return self._ends_with or await self._ended

    async def refuse(self, ending: Ending) -> None:
        self.refused.append(ending)

    def end(self, ending: Ending) -> None:
        if not self._ended.done():
            self._ended.set_result(ending)

    def traffic(self) -> Traffic:
        return Traffic(self.admitted.connection_id, 0, 0, None)

    def take_used(self) -> float:
        return self.used

    def work(self, seconds: float, now: float) -> None:
        self.used = seconds
        self._allowance.spend(seconds, now)


@pytest.fixture
def rows() -> OneRowEach:
    return OneRowEach()


@pytest.fixture
def doorkeeper(rows: OneRowEach) -> Doorkeeper:
    return Doorkeeper(rows, max_connections=2, limits=USUAL)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test; one that waits in vain fails."""
    asyncio.run(asyncio.wait_for(test, 30))


async def opened(doorkeeper: Doorkeeper, entry: LineOfText) -> "asyncio.Task[Ending]":
    """Let a client in, and wait until it is."""
    before = doorkeeper.count
    task = asyncio.create_task(doorkeeper.attend(entry))
    while doorkeeper.count == before:
        await asyncio.sleep(0)
    return task


def test_a_bad_credential_is_refused_in_the_doors_protocol(
    doorkeeper: Doorkeeper, rows: OneRowEach
) -> None:
    async def test() -> None:
        entry = LineOfText("bad")
        assert await doorkeeper.attend(entry) == Ending(ConnectionEnd.TICKET)
        assert entry.refused == [Ending(ConnectionEnd.TICKET)]
        assert (rows.rows, rows.closed, doorkeeper.count) == (0, [], 0)

    run(test())


def test_a_full_process_uses_up_no_ticket(doorkeeper: Doorkeeper, rows: OneRowEach) -> None:
    async def test() -> None:
        tasks = [await opened(doorkeeper, LineOfText()) for _ in range(2)]
        assert doorkeeper.is_full
        assert await doorkeeper.attend(LineOfText()) == Ending(ConnectionEnd.FULL)
        assert rows.rows == 2
        await doorkeeper.end_all(Ending(ConnectionEnd.RESTART), 30)
        assert [await task for task in tasks] == [Ending(ConnectionEnd.RESTART)] * 2
        assert rows.closed == [(1, ConnectionEnd.RESTART), (2, ConnectionEnd.RESTART)]

    run(test())


def test_a_new_decision_ends_only_its_connection(doorkeeper: Doorkeeper, rows: OneRowEach) -> None:
    async def test() -> None:
        first = await opened(doorkeeper, LineOfText())
        second = await opened(doorkeeper, LineOfText())
        rows.endings[1] = Ending(ConnectionEnd.SUSPENDED)
        await doorkeeper.decide_again()
        assert await first == Ending(ConnectionEnd.SUSPENDED)
        assert rows.closed == [(1, ConnectionEnd.SUSPENDED)]
        await doorkeeper.store_traffic()
        assert rows.stored == [2]
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert rows.closed[1:] == [(2, ConnectionEnd.LOST)], "the row is closed all the same"

    run(test())


def test_a_target_that_goes_is_explained_by_the_database(
    doorkeeper: Doorkeeper, rows: OneRowEach
) -> None:
    async def test() -> None:
        gone = Ending(ConnectionEnd.UNREACHABLE)
        assert await doorkeeper.attend(LineOfText(ends_with=gone)) == gone
        rows.endings[2] = Ending(ConnectionEnd.CUT)
        assert await doorkeeper.attend(LineOfText(ends_with=gone)) == Ending(ConnectionEnd.CUT)
        assert rows.closed == [(1, ConnectionEnd.UNREACHABLE), (2, ConnectionEnd.CUT)]

    run(test())


def test_a_target_that_cannot_be_reached_is_refused_and_its_row_closed(
    doorkeeper: Doorkeeper, rows: OneRowEach
) -> None:
    async def test() -> None:
        entry = LineOfText(ends_with=Refusal(ConnectionEnd.CERTIFICATE))
        assert await doorkeeper.attend(entry) == Ending(ConnectionEnd.CERTIFICATE)
        assert entry.refused == [Ending(ConnectionEnd.CERTIFICATE)]
        assert rows.closed == [(1, ConnectionEnd.CERTIFICATE)]

    run(test())


def test_a_newer_connection_ends_the_one_that_it_replaces(
    doorkeeper: Doorkeeper, rows: OneRowEach
) -> None:
    async def test() -> None:
        first = await opened(doorkeeper, LineOfText())
        rows.taken_over = frozenset({1})
        second = asyncio.create_task(doorkeeper.attend(LineOfText()))
        assert await first == Ending(ConnectionEnd.TAKEN_OVER)
        await doorkeeper.end_all(Ending(ConnectionEnd.RESTART), 30)
        assert await second == Ending(ConnectionEnd.RESTART)

    run(test())


def test_only_the_busiest_of_a_persons_connections_is_ended_for_overuse(
    doorkeeper: Doorkeeper,
) -> None:
    async def test() -> None:
        busy, idle = LineOfText(), LineOfText()
        tasks = [await opened(doorkeeper, one) for one in (busy, idle)]
        long_ago = asyncio.get_running_loop().time() - USUAL.patience_seconds
        busy.work(USUAL.patience_seconds, long_ago)
        doorkeeper.cut_greedy(1.0)
        assert await tasks[0] == Ending(ConnectionEnd.OVERUSE)
        assert doorkeeper.count == 1
        await doorkeeper.end_all(Ending(ConnectionEnd.RESTART), 30)

    run(test())
