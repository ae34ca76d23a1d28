"""A connection whose target is a server needs no rule of its own, and half a row is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import MetaData, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from tests.connection_rows import SERVER, open_to_server
from tests.portal import PASSWORD, SteppingClock
from webapp.adapters import migration
from webapp.adapters.database import SqlDatabase
from webapp.bootstrap import Services
from webapp.domain.connections import rules
from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Door, Protocol, Target, TargetKind
from webapp.domain.errors import NotFound
from webapp.domain.people.passwords import hash_token
from webapp.models import AuditEntry, Connection, Person, SignIn, Tally, Ticket
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.connections.admission import Client, Denied
from webapp.services.connections.connections import Traffic

HERE = Client(Door.BROWSER_VIEW, "192.0.2.9", "Firefox")


@pytest.fixture
def to_server(services: Services, alice: Actor) -> int:
    """An open connection of alice to a server."""
    services.accounts.sign_in("alice", PASSWORD, HERE.source_address, HERE.user_agent)
    return open_to_server(services, alice)


def test_it_is_listed_for_its_person_and_for_admins(
    services: Services, alice: Actor, bob: Actor, root: Actor, to_server: int
) -> None:
    (one,) = services.connections.open_connections().rows
    assert (one.target, one.desktop_id, one.person) == (SERVER, None, "alice")
    assert (one.protocol, one.door) == (Protocol.RDP, Door.BROWSER_VIEW)
    seen = {
        actor.person_id: len(
            services.connections.stretch(actor, limit=9, before=None, desktop_id="", is_open=True)[
                0
            ]
        )
        for actor in (alice, bob, root)
    }
    assert seen == {alice.person_id: 1, bob.person_id: 0, root.person_id: 1}


def test_nothing_ends_it_while_its_person_may_have_it(services: Services, to_server: int) -> None:
    assert services.connections.endings([to_server]) == {}


def test_it_is_cut_by_its_person_and_by_nobody_else(
    services: Services, alice: Actor, bob: Actor, to_server: int
) -> None:
    with pytest.raises(NotFound):
        services.connections.cut(bob, "connection-1a2b3c4d")
    services.connections.cut(alice, "connection-1a2b3c4d")
    assert services.connections.endings([to_server]) == {to_server: Ending(ConnectionEnd.CUT)}


def test_it_ends_with_a_suspension(services: Services, to_server: int) -> None:
    services.accounts.suspend(SYSTEM, "alice")
    assert services.connections.endings([to_server]) == {to_server: Ending(ConnectionEnd.SUSPENDED)}


def test_its_end_is_kept_and_audited_with_the_kind_of_target(
    services: Services, alice: Actor, to_server: int
) -> None:
    services.connections.cut(alice, "connection-1a2b3c4d")
    services.connections.close(Traffic(to_server, 1, 2, None), ConnectionEnd.CUT)
    assert services.connections.open_connections().rows == []
    ((ended,), _) = services.connections.stretch(
        alice, limit=9, before=None, desktop_id="", is_open=False
    )
    assert (ended.target, ended.end_reason, ended.bytes_down) == (SERVER, ConnectionEnd.CUT, 2)
    with services.db.read() as session:
        acts = session.scalars(select(AuditEntry).where(AuditEntry.action.like("connection.%")))
        told = {(act.action, act.subject_kind, act.subject) for act in acts}
    assert told == {
        ("connection.cut", "server", "server-1"),
        ("connection.end", "server", "server-1"),
    }


def test_its_row_is_closed_when_its_gateway_died(
    services: Services, to_server: int, clock: SteppingClock
) -> None:
    clock.step(seconds=31)
    services.connections.beat([])
    with services.db.read() as session:
        assert session.get_one(Connection, to_server).end == ConnectionEnd.LOST


def test_it_is_counted_as_a_connection_to_a_server(services: Services, to_server: int) -> None:
    found = {
        (family.metric.name, sample.labels): sample.value
        for family in services.metrics.collect()
        for sample in family.samples
    }
    labels = ("rdp", "browser view", "server")
    assert found["winux_connections_total", labels] == 1
    assert found["winux_connections_open", labels] == 1
    assert found["winux_connections_open", ("rdp", "browser view", "desktop")] == 0


# -- tickets ----------------------------------------------------------------------------------


def test_a_ticket_opens_only_its_own_door(services: Services, alice: Actor, xfce: str) -> None:
    add_ticket(services, alice, SERVER)
    with services.db.begin() as session:
        session.execute(text("UPDATE tickets SET door = 'terminal'"))
    with pytest.raises(Denied) as denied:
        services.tickets.redeem("good", HERE)
    assert denied.value.ending == Ending(ConnectionEnd.TICKET)


def test_the_browser_view_does_not_lead_to_servers_yet(services: Services, alice: Actor) -> None:
    services.accounts.sign_in("alice", PASSWORD, HERE.source_address, HERE.user_agent)
    add_ticket(services, alice, SERVER)
    with pytest.raises(Denied) as denied:
        services.tickets.redeem("good", HERE)
    assert denied.value.ending == Ending(ConnectionEnd.UNREACHABLE, "target")
    assert services.connections.open_connections().rows == []


def add_ticket(services: Services, alice: Actor, target: Target) -> None:
    """Store a ticket of alice with the token `good`."""
    now = services.clock.now()
    with services.db.begin() as session:
        sign_in = session.scalars(select(SignIn)).first()
        session.add(
            Ticket(
                token_hash=hash_token("good"),
                door=Door.BROWSER_VIEW,
                protocol=Protocol.RDP,
                target_kind=target.kind,
                target_id=target.id,
                person=session.get_one(Person, alice.person_id),
                sign_in=sign_in,
                keyboard_layout="us",
                created_at=now,
                expires_at=now + rules.TICKET_LIFE,
            )
        )


# -- half rows --------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def old_db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    """A database before targets, with a ticket and a connection of a desktop."""
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else f"sqlite:///{tmp_path / 'db'}"
    db = SqlDatabase(url)
    migration.migrate(db, "0026")
    _fill(db)
    yield db
    with db.engine.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        tables.drop_all(connection)
    db.close()


def _fill(db: SqlDatabase) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tables = MetaData()
    tables.reflect(db.engine)
    person = {"id": 1, "name": "alice", "password_hash": "", "role": "person", "created_at": now}
    template = {
        "id": 1,
        "name": "xfce",
        "title": "",
        "summary": "",
        "desktop_environment": "xfce",
        "vmid": 29001,
        "version": "1",
        "published_at": now,
        "is_enabled": True,
        "nesting": False,
        "memory_mb": 1024,
        "swap_mb": 512,
        "cores": 2,
        "disk_gb": 10,
        "default_minutes": 30,
        "max_minutes": 60,
    }
    desktop = {
        "id": 7,
        "public_id": "desktop-1a2b3c4d",
        "owner_id": 1,
        "template_id": 1,
        "state": "ready",
        "state_at": now,
        "minutes": 30,
        "rdp_username": "desktop",
        "keyboard_layout": "us",
        "created_at": now,
        "attempts": 0,
        "row_version": 1,
    }
    sign_in = {
        "id": 3,
        "token_hash": "t",
        "person_id": 1,
        "created_at": now,
        "seen_at": now,
        "source_address": "192.0.2.9",
        "user_agent": "Firefox",
    }
    held = {"person_id": 1, "sign_in_id": 3, "desktop_id": 7}
    ticket = {
        **held,
        "token_hash": "t",
        "purpose": "rdp",
        "keyboard_layout": "us",
        "created_at": now,
        "expires_at": now,
    }
    connection = {
        **held,
        "public_id": "connection-1",
        "protocol": "rdp",
        "source_address": "192.0.2.9",
        "user_agent": "Firefox",
        "started_at": now,
        "seen_at": now,
        "bytes_up": 1,
        "bytes_down": 2,
    }
    tally = {
        "metric": "winux_connections_total",
        "labels": '["rdp"]',
        "bucket": 0,
        "count": 5,
        "total": 5.0,
    }
    rows = {"people": person, "templates": template, "desktops": desktop, "sign_ins": sign_in}
    rows |= {"tickets": ticket, "connections": connection, "tallies": tally}
    with db.engine.begin() as link:
        for table, row in rows.items():
            link.execute(insert(tables.tables[table]), [row])


def test_rows_of_an_older_release_get_their_desktop_as_target(old_db: SqlDatabase) -> None:
    migration.migrate(old_db)
    with old_db.read() as session:
        ticket = session.scalars(select(Ticket)).one()
        connection = session.scalars(select(Connection)).one()
        tally = session.scalars(select(Tally)).one()
    for row in (ticket, connection):
        assert row.target == Target(TargetKind.DESKTOP, "desktop-1a2b3c4d")
        assert (row.desktop_id, row.person_id, row.sign_in_id) == (7, 1, 3)
        assert (row.protocol, row.door) == (Protocol.RDP, Door.BROWSER_VIEW)
    assert (connection.public_id, connection.bytes_down) == ("connection-1", 2)
    assert (tally.labels, tally.count) == ('["rdp", "browser view", "desktop"]', 5)


@pytest.mark.parametrize("table", ["tickets", "connections"])
@pytest.mark.parametrize(
    "half",
    ["target_kind = 'server'", "desktop_id = NULL", "target_kind = 'desktop', desktop_id = NULL"],
)
def test_half_a_row_is_refused(old_db: SqlDatabase, table: str, half: str) -> None:
    migration.migrate(old_db)
    with pytest.raises(IntegrityError, match="target_has_its_row"), old_db.engine.begin() as link:
        link.execute(text(f"UPDATE {table} SET {half}"))
    with old_db.engine.begin() as link:
        link.execute(text(f"UPDATE {table} SET target_kind = 'server', desktop_id = NULL"))


def test_the_indexes_are_kept(old_db: SqlDatabase) -> None:
    tables = ("tickets", "connections")
    before = {table: _indexes(old_db, table) for table in tables}
    assert all(before.values())
    migration.migrate(old_db)
    assert {table: _indexes(old_db, table) for table in tables} == before


def _indexes(db: SqlDatabase, table: str) -> set[tuple[str | None, ...]]:
    found = inspect(db.engine).get_indexes(table)
    return {(one["name"], *one["column_names"]) for one in found}
