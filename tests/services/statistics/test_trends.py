"""Launches hour by hour, on both databases."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.portal import SteppingClock, make_environment, publish_template
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.states import State
from webapp.models import Base, Desktop, Template


@pytest.fixture(params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock
) -> Iterator[Services]:
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


def add(services: Services, launched_at: datetime, **more: datetime) -> None:
    with services.db.begin() as session:
        session.add(
            Desktop(
                public_id=f"d-{launched_at.timestamp()}",
                template=session.scalars(select(Template)).one(),
                state=State.ENDED,
                state_at=launched_at,
                minutes=30,
                rdp_username="u",
                keyboard_layout="us",
                created_at=launched_at,
                launched_at=launched_at,
                **more,
            )
        )


def test_launches_and_failures_fall_into_their_hours(site: Services, clock: SteppingClock) -> None:
    now = clock.now()  # 09:00
    add(site, now + timedelta(minutes=1))
    add(site, now + timedelta(minutes=2), warmed_at=now)
    add(site, now - timedelta(minutes=1), failed_at=now + timedelta(seconds=5))
    add(site, now - timedelta(hours=23, seconds=-1))
    add(site, now - timedelta(hours=23, seconds=1))  # too long ago
    clock.step(minutes=59)
    hours = site.trends.hours()
    assert [one.at for one in hours] == [now - timedelta(hours=n) for n in range(23, -1, -1)]
    told = [(one.warm, one.cold, one.failed) for one in hours]
    assert told[-1] == (1, 1, 1)
    assert told[-2] == (0, 1, 0)
    assert told[0] == (0, 1, 0)
    assert sum(one.launches for one in hours) == 4


def test_nothing_happened(site: Services) -> None:
    assert {(one.launches, one.failed) for one in site.trends.hours()} == {(0, 0)}
