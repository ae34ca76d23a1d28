"""Aggregated history gives the same results as the rows; nothing counts twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.portal import SteppingClock, make_environment, publish_template
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.connections.rules import ConnectionEnd
from webapp.domain.connections.target import Door, Protocol, TargetKind
from webapp.domain.states import EndReason, State
from webapp.domain.statistics.metrics import METRICS, Kind
from webapp.models import (
    AuditEntry,
    Base,
    Connection,
    Desktop,
    DesktopStep,
    Person,
    SignIn,
    Tally,
    Template,
)

Values = dict[str, dict[tuple[str, ...], object]]


@pytest.fixture(params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock
) -> Iterator[Services]:
    """A portal whose clock does not move, on either database."""
    changes = {}
    if request.param == "postgresql":
        changes["WINUX_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    services = build_services(load(make_environment(tmp_path, **changes)), clock=clock)
    migration.migrate(services.db)
    publish_template(services)
    yield services
    Base.metadata.drop_all(services.db.engine)
    with services.db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    services.db.close()


def add_lives(services: Services, first: datetime, count: int, every: timedelta) -> None:
    """Insert launched desktops; every third was warm, and every fifth failed."""
    with services.db.begin() as session:
        template = session.scalars(select(Template)).one()
        person = session.scalar(select(Person)) or Person(
            name="alice", password_hash="-", created_at=first
        )
        sign_in = SignIn(
            token_hash=f"{first}",
            person=person,
            created_at=first,
            seen_at=first,
            source_address="",
            user_agent="",
        )
        session.add_all([person, sign_in])
        for number in range(count):
            began = first + number * every
            session.add_all(_life(number, began, template, person, sign_in))


def _life(
    number: int, began: datetime, template: Template, person: Person, sign_in: SignIn
) -> list[Base]:
    has_failed = number % 5 == 0
    ready = began + timedelta(seconds=1 + number % 9)
    desktop = Desktop(
        public_id=f"d-{began.timestamp()}",
        owner=person,
        template=template,
        state=State.ENDED,
        state_at=ready,
        minutes=30,
        rdp_username="u",
        keyboard_layout="us",
        created_at=began,
        launched_at=began,
        build_started_at=began + timedelta(seconds=0.4),
        warmed_at=began if number % 3 == 0 else None,
        ready_at=None if has_failed else ready,
        failed_at=ready if has_failed else None,
        end_reason=EndReason.FAILED if has_failed else EndReason.EXPIRED,
        deadline_at=None if has_failed else ready + timedelta(minutes=3),
        stop_requested_at=ready + timedelta(minutes=3, seconds=number % 4),
        ended_at=ready + timedelta(minutes=3, seconds=6),
        steps=[
            DesktopStep(
                name="desktop_clone",
                started_at=began,
                finished_at=None if has_failed else began + timedelta(seconds=number % 7),
            )
        ],
    )
    connection = Connection(
        public_id=f"c-{began.timestamp()}",
        protocol=Protocol.RDP,
        door=Door.BROWSER_VIEW,
        target_kind=TargetKind.DESKTOP,
        target_id=desktop.public_id,
        desktop=desktop,
        person=person,
        sign_in=sign_in,
        source_address="",
        user_agent="",
        started_at=ready,
        seen_at=ready,
        ended_at=None if number % 8 == 7 else ready + timedelta(minutes=1),
        end=None if number % 8 == 7 else ConnectionEnd.LEFT,
        bytes_up=number,
        bytes_down=1000 * number,
        cpu_ms=10 * number,
        was_slowed=number % 6 == 0,
    )
    refusal = AuditEntry(
        at=began, action="desktop.launch", is_refused=number % 2 == 0, reason="limit"
    )
    return [desktop, connection, refusal]


def told(services: Services) -> Values:
    """Return counters and histograms in a form that can be compared."""
    with services.db.snapshot() as session:
        families = services.tallies.families(session)
    return {
        family.metric.name: {
            **{one.labels: round(one.value, 6) for one in family.samples},
            **{one.labels: (one.counts, round(one.total, 2)) for one in family.distributions},
        }
        for family in families
    }


def test_all_counters_and_histograms_come_from_history(site: Services) -> None:
    names = {name for name, metric in METRICS.items() if metric.kind is not Kind.GAUGE}
    assert set(told(site)) == names


def test_settled_or_read_history_tells_the_same(site: Services, clock: SteppingClock) -> None:
    add_lives(site, clock.now(), 60, timedelta(hours=3))  # more than a week: several strides
    clock.step(hours=180)
    read = told(site)
    assert read["winux_launches_total"] == {("xfce", "cold"): 40.0, ("xfce", "warm"): 20.0}
    assert read["winux_failures_total"] == {("xfce", "desktop_clone", "other"): 12.0}
    assert read["winux_ends_total"] == {("xfce", "expired"): 48.0, ("xfce", "failed"): 12.0}
    assert read["winux_connection_bytes_total"] == {("up",): 1770.0, ("down",): 1770000.0}
    assert read["winux_connection_cpu_seconds_total"] == {(): 17.7}
    assert read["winux_connections_slowed_total"] == {(): 10.0}
    site.tallies.settle()
    with site.db.read() as session:
        assert session.scalars(select(Tally)).first() is not None
    assert told(site) == read


def test_what_comes_later_is_added(site: Services, clock: SteppingClock) -> None:
    add_lives(site, clock.now() - timedelta(seconds=30), 20, timedelta(minutes=1))
    counts = []
    for _ in range(6):
        clock.step(minutes=7)
        site.tallies.settle()
        add_lives(site, clock.now() - timedelta(minutes=4), 1, timedelta(minutes=1))
        counts.append(sum(value for value in told(site)["winux_launches_total"].values()))
    assert counts == [21, 22, 23, 24, 25, 26]


def test_several_workers_count_once(site: Services, clock: SteppingClock) -> None:
    add_lives(site, clock.now(), 40, timedelta(hours=2))
    clock.step(hours=100)
    read = told(site)
    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(site.tallies.settle) for _ in range(8)]:
            done.result()
    assert told(site) == read


def test_a_clock_that_goes_back_takes_nothing_away(site: Services, clock: SteppingClock) -> None:
    add_lives(site, clock.now(), 10, timedelta(minutes=1))
    clock.step(hours=2)
    site.tallies.settle()
    read = told(site)
    clock.step(hours=-1)
    site.tallies.settle()
    assert told(site) == read
