"""Simultaneous sign-ins exceed no limit, and use no more than the reserved capacity."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select

from tests.portal import PASSWORD, SteppingClock, make_environment
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.errors import Refused, TooMany
from webapp.domain.people.keys import make_key
from webapp.domain.people.sign_in_limits import MOST_ATTEMPTS, PER_ADDRESS
from webapp.models import Base, SignInAttempt
from webapp.services.audit.record import SYSTEM
from webapp.services.people.hashing_places import AT_ONCE, WAITING

HERE = "192.0.2.1"


class SlowHasher:
    """A slow hasher (`ports.Hasher`) that records the maximum number of concurrent calls."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.asked = self.most_at_once = self._now = 0
        self._seconds = seconds
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        return f"plain:{password}"

    def is_right(self, password_hash: str | None, password: str) -> bool:
        with self._lock:
            self.asked += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        threading.Event().wait(self._seconds)
        with self._lock:
            self._now -= 1
        return password_hash == f"plain:{password}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'winux.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def hasher() -> SlowHasher:
    return SlowHasher()


@pytest.fixture
def slow(url: str, tmp_path: Path, clock: SteppingClock, hasher: SlowHasher) -> Iterator[Services]:
    config = load(make_environment(tmp_path, WINUX_DATABASE_URL=url))
    made = build_services(config, clock=clock, hasher=hasher)
    migration.migrate(made.db)
    made.accounts.add_person(SYSTEM, "alice", PASSWORD)
    yield made
    if url.startswith("postgresql"):
        Base.metadata.drop_all(made.db.engine)
        with made.db.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")
    made.db.close()


def outcome(services: Services, name: str, password: str, address: str = HERE) -> str:
    try:
        services.accounts.sign_in(name, password, address, "")
    except Refused as refused:
        return refused.reason
    return "in"


def test_of_many_wrong_sign_ins_at_once_five_are_tried(slow: Services, hasher: SlowHasher) -> None:
    with ThreadPoolExecutor(AT_ONCE + WAITING) as pool:
        outcomes = list(pool.map(lambda _: outcome(slow, "alice", "wrong"), range(40)))
    assert outcomes.count("wrong_password") == hasher.asked == 5
    assert set(outcomes) == {"wrong_password", "too_many_sign_ins"}


def test_of_many_names_at_once_an_address_tries_thirty(slow: Services, hasher: SlowHasher) -> None:
    with ThreadPoolExecutor(AT_ONCE + WAITING) as pool:
        outcomes = list(pool.map(lambda n: outcome(slow, f"name{n}", "wrong"), range(60)))
    assert outcomes.count("wrong_password") == hasher.asked == PER_ADDRESS


def test_of_many_wrong_keys_at_once_an_address_has_thirty_answered(slow: Services) -> None:
    def show(_: int) -> bool:
        try:
            return slow.key_gate.identify(make_key(), HERE) is None
        except TooMany:
            return False

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(show, range(60)))
    assert answered.count(True) == PER_ADDRESS


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_crowd_checks_few_passwords_at_a_time_and_the_rest_may_try_again(
    slow: Services, hasher: SlowHasher
) -> None:
    crowd = 4 * (AT_ONCE + WAITING)
    began = threading.Barrier(crowd)

    def come(number: int) -> str:
        began.wait()
        return outcome(slow, "alice", PASSWORD, f"198.51.100.{number}")

    with ThreadPoolExecutor(crowd) as pool:
        outcomes = list(pool.map(come, range(crowd)))
    assert hasher.most_at_once <= AT_ONCE
    assert set(outcomes) <= {"in", "sign_ins_busy"}
    assert outcomes.count("in") >= AT_ONCE + WAITING
    assert outcome(slow, "alice", PASSWORD) == "in"
    with slow.db.read() as session:
        assert session.scalar(select(func.count(SignInAttempt.id))) == 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_attempts_are_kept_up_to_a_number(slow: Services, clock: SteppingClock) -> None:
    rows = [{"at": clock.now(), "name": "x", "source": f"s{n}"} for n in range(MOST_ATTEMPTS)]
    with slow.db.begin() as session:
        session.execute(insert(SignInAttempt), rows)
    for number in range(3):
        assert outcome(slow, f"name{number}", "wrong") == "wrong_password"
    with slow.db.begin() as session:
        assert session.scalar(select(func.count(SignInAttempt.id))) == MOST_ATTEMPTS
        session.execute(delete(SignInAttempt).where(SignInAttempt.name == "x"))
    clock.step(minutes=16)
    outcome(slow, "somebody", "wrong")
    with slow.db.read() as session:
        assert session.scalar(select(func.count(SignInAttempt.id))) == 1
