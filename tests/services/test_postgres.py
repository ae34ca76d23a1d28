"""The same rules hold on PostgreSQL, where writers really run at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.portal import PASSWORD, SteppingClock, make_environment, publish_template
from tests.services.test_schema import check_words_are_renamed
from webapp.adapters import migration
from webapp.adapters.database import SqlDatabase
from webapp.bootstrap import Services, build_services
from webapp.bootstrap_worker import build_deliverer
from webapp.config import load
from webapp.domain.errors import Refused
from webapp.domain.people.keys import MOST_KEYS
from webapp.models import AddressReservation, Base, VmidReservation
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path, clock: SteppingClock) -> Iterator[Services]:
    config = load(make_environment(tmp_path, WINUX_DATABASE_URL=postgres_url))
    services = build_services(config, clock=clock)
    migration.migrate(services.db)
    publish_template(services)
    yield services
    Base.metadata.drop_all(services.db.engine)
    with services.db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    services.db.close()


def test_former_words_are_renamed(postgres_url: str) -> None:
    try:
        check_words_are_renamed(postgres_url)
    finally:
        db = SqlDatabase(postgres_url)
        Base.metadata.drop_all(db.engine)
        with db.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")
        db.close()


def test_launches_at_the_same_time_share_nothing_and_keep_the_limit(on_postgres: Services) -> None:
    people = [
        Actor(on_postgres.accounts.add_person(SYSTEM, f"person{number}", PASSWORD))
        for number in range(4)
    ]

    def launch(number: int) -> str:
        try:
            return on_postgres.launcher.launch(people[number % 4], LaunchRequest())
        except Refused as refused:
            return refused.reason

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(launch, range(40)))
    made = [outcome for outcome in outcomes if outcome.startswith("desktop-")]
    assert len(set(made)) == len(made) == 12
    assert set(outcomes) - set(made) == {"limit"}
    with on_postgres.db.read() as session:
        assert len(session.scalars(select(VmidReservation)).all()) == 12
        assert len(session.scalars(select(AddressReservation)).all()) == 12


def test_one_form_sent_many_times_at_once_launches_once(on_postgres: Services) -> None:
    alice = Actor(on_postgres.accounts.add_person(SYSTEM, "alice", PASSWORD))
    wish = LaunchRequest(launch_token="one form")
    with ThreadPoolExecutor(8) as pool:
        launched = set(pool.map(lambda _: on_postgres.launcher.launch(alice, wish), range(16)))
    assert len(launched) == 1


def test_keys_made_at_the_same_time_keep_the_limit_and_work(on_postgres: Services) -> None:
    alice = Actor(on_postgres.accounts.add_person(SYSTEM, "alice", PASSWORD))

    def make(number: int) -> str:
        try:
            return on_postgres.keys.make(alice, f"script {number}", ["read"]).text
        except Refused as refused:
            return refused.reason

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(make, range(MOST_KEYS + 10)))
    texts = [text for text in outcomes if text.startswith("wx_")]
    assert len(texts) == MOST_KEYS
    assert set(outcomes) - set(texts) == {"too_many_keys"}
    assert all(on_postgres.keys.identify(text, "192.0.2.1") for text in texts)
    on_postgres.accounts.suspend(SYSTEM, "alice")
    assert not any(on_postgres.keys.identify(text, "192.0.2.1") for text in texts)


def test_deliveries_claimed_at_the_same_time_go_to_one_each(on_postgres: Services) -> None:
    hook = on_postgres.webhooks.add(SYSTEM, "https://example.org/", ["end"]).webhook.id
    wanted = [on_postgres.webhooks.test(SYSTEM, hook) for _ in range(6)]
    deliverer = build_deliverer(on_postgres)
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(deliverer.claim_this, wanted * 4))
    assert sorted(one.id for one in claimed if one) == wanted
    assert deliverer.claim() is None
