"""Two people never get the same desktop: sixteen processes claim from one pool at full speed.

They are real processes on a real database, SQLite and PostgreSQL, while two more drain the pool as
its
keeper does. The results of the processes are compared with the database at the end.
"""

import multiprocessing
import multiprocessing.queues
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import select

from tests.portal import make_environment, publish_template
from tests.warm import add_warm
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import Config, load
from webapp.domain.errors import Conflict, Refused
from webapp.domain.states import EndReason, Event, State, advance
from webapp.models import AddressReservation, Base, Desktop, Person, Template, VmidReservation
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.pool.keeper import PoolKeeper

PEOPLE, CLAIMS, WARM = 8, 25, 150
TURNS = 20
ROOM = {
    "WINUX_MAX_DESKTOPS": "1000",
    "WINUX_MAX_DESKTOPS_TOTAL": "1000",
    "WINUX_NETWORK": "10.200.0.0/16",
    "WINUX_VMID_LAST": "32000",
}
#: The result of a process: the person (0: the pool's keeper), and the results of its attempts.
Results: TypeAlias = "multiprocessing.queues.Queue[tuple[int, list[str]]]"
FORK = multiprocessing.get_context("fork")


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Config]:
    """The URL of a database with a template and people."""
    changes = dict(ROOM)
    if request.param == "postgresql":
        changes["WINUX_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    config = load(make_environment(tmp_path, **changes))
    services = build_services(config)
    migration.migrate(services.db)
    publish_template(services)
    with services.db.begin() as session:
        for number in range(PEOPLE):
            session.add(
                Person(
                    name=f"person{number}", password_hash="none", created_at=services.clock.now()
                )
            )
    yield config
    if request.param == "postgresql":
        Base.metadata.drop_all(services.db.engine)
        with services.db.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")
    services.db.close()


def claim(
    config: Config, person: int, together: Barrier, told: Results, claims: int = CLAIMS
) -> None:
    """A process in which one person launches repeatedly."""
    services = build_services(config)
    actor = Actor(person)
    together.wait()
    told.put((person, [services.launcher.launch(actor, LaunchRequest()) for _ in range(claims)]))
    services.db.close()


def drain(config: Config, together: Barrier, told: Results) -> None:
    """The process of the pool's keeper, which ends a warm desktop now and then."""
    services = build_services(config)
    together.wait()
    told.put((0, [gone for _ in range(CLAIMS) if (gone := _drain_one(services))]))
    services.db.close()


def _drain_one(services: Services) -> str | None:
    with services.db.read() as session:
        # the newest: people get the oldest, and would always be first
        newest = select(Desktop.id).where(Desktop.state == State.WARM).order_by(Desktop.id.desc())
        found = session.scalar(newest.limit(1))
    try:
        with services.db.begin() as session:
            desktop = session.get(Desktop, found) if found else None
            if desktop is None or desktop.state != State.WARM:
                return None
            advance(desktop, Event.STOP_REQUESTED, services.clock.now())
            desktop.end_reason = EndReason.POLICY
            return desktop.public_id
    except Conflict:  # a person was faster
        return None


def test_no_desktop_has_two_owners(config: Config) -> None:
    services = build_services(config)
    warm = set(add_warm(services, WARM))
    with services.db.read() as session:
        people = list(session.scalars(select(Person.id)))
    together, told = FORK.Barrier(PEOPLE + 2), FORK.Queue()
    processes = [FORK.Process(target=claim, args=(config, one, together, told)) for one in people]
    processes += [FORK.Process(target=drain, args=(config, together, told)) for _ in range(2)]
    services.db.close()  # connections must not be shared with the children
    for process in processes:
        process.start()
    given = [told.get(timeout=240) for _ in processes]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0

    launched = Counter(one for person, ids in given if person for one in ids)
    drained = Counter(one for person, ids in given if not person for one in ids)
    assert len(launched) == PEOPLE * CLAIMS, "somebody was given what another one has"
    assert max(launched.values()) == 1
    assert max(drained.values()) == 1
    assert not set(launched) & set(drained)
    assert set(drained) | (set(launched) & warm) == warm, "a warm desktop was left or lost"
    owner_of = {one: person for person, ids in given if person for one in ids}
    with services.db.read() as session:
        rows = session.scalars(select(Desktop)).all()
        assert {row.public_id: row.owner_id for row in rows if row.owner_id} == owner_of
        assert all(row.state == State.READY for row in rows if row.public_id in warm and row.owner)
        assert len(session.scalars(select(VmidReservation)).all()) == len(rows)
        assert len(session.scalars(select(AddressReservation)).all()) == len(rows)
    assert len({row.address for row in rows}) == len({row.vmid for row in rows}) == len(rows)
    services.db.close()


def test_fifty_launches_of_one_person_at_once_keep_the_limit(config: Config) -> None:
    """Some launches find a warm desktop and some do not; none exceeds the limit."""
    config = replace(config, max_desktops=3)
    services = build_services(config)
    add_warm(services, 2)
    services.db.close()
    together, told = FORK.Barrier(10), FORK.Queue()
    processes = [FORK.Process(target=try_five, args=(config, together, told)) for _ in range(10)]
    for process in processes:
        process.start()
    outcomes = [one for _ in processes for one in told.get(timeout=120)[1]]
    for process in processes:
        process.join(30)
    assert len(outcomes) == 50
    launched = {one for one in outcomes if one.startswith("desktop-")}
    assert len(launched) == 3
    assert Counter(outcomes)["limit"] == 47
    states = [one.state for one in services.reports.live_desktops(1)]
    assert sorted(states) == [State.QUEUED, State.READY, State.READY]
    services.db.close()


def try_five(config: Config, together: Barrier, told: Results) -> None:
    """A process in which the same person launches five times."""
    services = build_services(config)
    together.wait()
    outcomes = []
    for _ in range(5):
        try:
            outcomes.append(services.launcher.launch(Actor(1), LaunchRequest()))
        except Refused as refused:
            outcomes.append(refused.reason)
    told.put((1, outcomes))
    services.db.close()


def keep_pools(config: Config, together: Barrier, told: Results) -> None:
    """The process of a worker's clock, which lets the pool grow and shrink."""
    services = build_services(config)
    keeper = PoolKeeper(services.db, services.clock, config, services.vault, services.audit)
    together.wait()
    for turn in range(TURNS):
        with services.db.begin() as session:
            template = session.scalars(select(Template)).one()
            template.pool_target = template.pool_max = 3 * (turn % 4)
        keeper.keep()
    told.put((0, []))
    services.db.close()


def test_people_and_the_pools_keepers_never_block_each_other(config: Config) -> None:
    """If the two took their locks in different orders, each would wait for the other."""
    services = build_services(config)
    with services.db.read() as session:
        people = list(session.scalars(select(Person.id)))[:4]
    together, told = FORK.Barrier(len(people) + 2), FORK.Queue()
    processes = [
        FORK.Process(target=claim, args=(config, one, together, told, TURNS)) for one in people
    ]
    processes += [FORK.Process(target=keep_pools, args=(config, together, told)) for _ in range(2)]
    services.db.close()
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
        assert process.exitcode == 0, "it was refused, or waited for ever"
    given = [told.get(timeout=10) for _ in processes]
    launched = [one for _, ids in given for one in ids]
    assert len(set(launched)) == len(launched) == len(people) * TURNS
