"""Connections: their rows, and what ends them.

Each gateway checks every second which of its connections must end (`endings`), writes their traffic
every few seconds (`beat`), and closes each row with the reason. Other gateways close the rows of a
gateway that died. `admission` opens the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Update, func, select, update

from webapp.config import Config
from webapp.domain.access import Action, Kind, Resource, may
from webapp.domain.connections import rules
from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Door, Protocol, Target, TargetKind
from webapp.domain.errors import NotFound
from webapp.models import Connection, Desktop
from webapp.ports import Clock, Database
from webapp.services.access import check, reached
from webapp.services.audit.record import Actor, Audit
from webapp.services.connections.decision import ending_of
from webapp.services.desktop_access import find_desktop
from webapp.services.paging import PAGE_SIZE, Page


@dataclass(frozen=True)
class Traffic:
    """The traffic of a connection since it was opened; up is towards the desktop."""

    connection_id: int
    bytes_up: int
    bytes_down: int
    last_input_at: datetime | None
    cpu_ms: int = 0
    """CPU time of the gateway."""
    was_slowed: bool = False
    """Whether it was throttled because of its CPU time."""


@dataclass(frozen=True)
class ConnectionView:
    """A connection as lists show it."""

    public_id: str
    target: Target
    person: str
    protocol: Protocol
    door: Door
    source_address: str
    browser: str
    started_at: datetime
    ended_at: datetime | None
    bytes_up: int
    bytes_down: int
    cpu_ms: int
    was_slowed: bool
    last_input_at: datetime | None
    end_reason: ConnectionEnd | None
    end_words: str

    @property
    def desktop_id(self) -> str | None:
        """The desktop's public id; None if the target is none."""
        return self.target.id if self.target.kind is TargetKind.DESKTOP else None


class Connections:
    """The use cases around connections, for the pages and the gateways."""

    def __init__(self, db: Database, clock: Clock, config: Config, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit

    # -- for the pages --------------------------------------------------------------------------

    def open_connections(self, page: int = 1) -> Page[ConnectionView]:
        """Open connections, newest first, a page at a time."""
        is_open = Connection.ended_at.is_(None)
        with self._db.read() as session:
            total = session.scalar(select(func.count(Connection.id)).where(is_open)) or 0
        pages = max(1, -(-total // PAGE_SIZE))
        number = min(max(page, 1), pages)
        # Select the ids first: a connection with its person, sign-in and desktop is a wide row.
        ids = _by_start().with_only_columns(Connection.id).where(is_open)
        ids = ids.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
        rows = self._views(_by_start().where(Connection.id.in_(ids.scalar_subquery())))
        return Page(rows, number, pages, total)

    def stretch(
        self, actor: Actor, *, limit: int, before: int | None, desktop_id: str, is_open: bool
    ) -> tuple[list[ConnectionView], int | None]:
        """At most `limit` connections, newest first, from before row `before` on: those that the
        actor may see. Also returns the `before` of the next call."""
        query = select(Connection).order_by(Connection.id.desc()).limit(limit + 1)
        query = query.where(reached(actor, Action.CONNECTION_SEE, Connection.person_id))
        if before is not None:
            query = query.where(Connection.id < before)
        if desktop_id:
            query = query.where(Connection.desktop.has(Desktop.public_id == desktop_id))
        if is_open:
            query = query.where(Connection.ended_at.is_(None))
        with self._db.read() as session:
            rows = session.scalars(query).all()
        shown = rows[:limit]
        return [_view(row) for row in shown], shown[-1].id if len(rows) > limit else None

    def history(self, actor: Actor, public_id: str, limit: int = 50) -> list[ConnectionView]:
        """A desktop's connections, newest first. Raises NotFound unless the actor may see it."""
        with self._db.read() as session:
            desktop = find_desktop(session, actor, Action.DESKTOP_SEE, public_id)
        return self._views(_by_start().where(Connection.desktop_id == desktop.id).limit(limit))

    def cut(self, actor: Actor, connection_id: str) -> None:
        """End a connection.

        Raises NotFound unless the actor may see it, Refused (`forbidden`) if the role allows no
        more than that.
        """
        with (
            self._audit.refusals(actor, "connection.cut", connection_id),
            self._db.begin() as session,
        ):
            row = session.scalar(select(Connection).where(Connection.public_id == connection_id))
            resource = Resource(Kind.CONNECTION, row.person_id if row else None)
            if row is None or not may(actor, Action.CONNECTION_SEE, resource):
                raise NotFound("connection")
            check(actor, Action.CONNECTION_CUT, resource)
            if row.ended_at is None:
                row.cut_as = row.cut_as or ConnectionEnd.CUT
                self._audit.record(
                    session, actor, "connection.cut", row.target_id, kind=row.target_kind
                )

    # -- for the gateways -----------------------------------------------------------------------

    def endings(self, connection_ids: Sequence[int]) -> dict[int, Ending]:
        """Returns those of these open connections that must end, with the reason; one query."""
        if not connection_ids:
            return {}
        now = self._clock.now()
        with self._db.read() as session:
            rows = session.scalars(select(Connection).where(Connection.id.in_(connection_ids)))
            judged = {row.id: ending_of(row, self._config, now) for row in rows}
        return {row_id: ending for row_id, ending in judged.items() if ending}

    def beat(self, traffic: Sequence[Traffic]) -> None:
        """Write the traffic of open connections, and close the rows of gateways that died."""
        now = self._clock.now()
        with self._db.begin() as session:
            for one in traffic:
                session.execute(_is(one).values(**_carried(one), seen_at=now))
            session.execute(
                update(Connection)
                .where(Connection.ended_at.is_(None), Connection.seen_at < now - rules.LOST_AFTER)
                .values(ended_at=Connection.seen_at, end=ConnectionEnd.LOST)
            )

    def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        """Close an open connection's row. Closing it again changes nothing."""
        now = self._clock.now()
        with self._db.begin() as session:
            row = session.get(Connection, traffic.connection_id)
            if row is None or row.ended_at is not None:
                return
            session.execute(
                _is(traffic).values(**_carried(traffic), seen_at=now, ended_at=now, end=why)
            )
            actor = Actor(row.person_id, row.source_address, key_id=row.key_id)
            self._audit.record(
                session, actor, "connection.end", row.target_id, why, kind=row.target_kind
            )

    # -- parts ----------------------------------------------------------------------------------

    def _views(self, query: Select[Connection]) -> list[ConnectionView]:
        with self._db.read() as session:
            return [_view(row) for row in session.scalars(query)]


def _is(traffic: Traffic) -> Update:
    return update(Connection).where(
        Connection.id == traffic.connection_id, Connection.ended_at.is_(None)
    )


def _carried(traffic: Traffic) -> dict[str, object]:
    carried: dict[str, object] = {
        "bytes_up": traffic.bytes_up,
        "bytes_down": traffic.bytes_down,
        "cpu_ms": traffic.cpu_ms,
        "was_slowed": traffic.was_slowed,
    }
    if traffic.last_input_at:
        carried["last_input_at"] = traffic.last_input_at
    return carried


def _by_start() -> Select[Connection]:
    return select(Connection).order_by(Connection.started_at.desc(), Connection.id.desc())


def _view(row: Connection) -> ConnectionView:
    return ConnectionView(
        public_id=row.public_id,
        target=row.target,
        person=row.person.name,
        protocol=row.protocol,
        door=row.door,
        source_address=row.source_address,
        browser=row.user_agent,
        started_at=row.started_at,
        ended_at=row.ended_at,
        bytes_up=row.bytes_up,
        bytes_down=row.bytes_down,
        cpu_ms=row.cpu_ms,
        was_slowed=row.was_slowed,
        last_input_at=row.last_input_at,
        end_reason=row.end,
        end_words=rules.END_WORDS[row.end] if row.end else "",
    )
