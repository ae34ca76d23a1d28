"""Fixtures for tests of the portal: real services on a real SQLite file, with three people.

alice is an owner, bob another person, root the admin; all have the password PASSWORD.
"""

import base64
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from webapp import bootstrap
from webapp.adapters import migration
from webapp.adapters.secrets import ArgonHasher
from webapp.config import Config, load
from webapp.domain.people.roles import Role
from webapp.models import Template
from webapp.services.audit.record import SYSTEM, Actor

PASSWORD = "correct horse battery"
#: argon2id as in the product, at a lower cost for hundreds of tests.
QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


class SteppingClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def step(self, **parts: float) -> None:
        self.time += timedelta(**parts)


def make_environment(folder: Path, **changes: str) -> dict[str, str]:
    """Return a complete, valid environment with all files in `folder`."""
    return {
        "WINUX_ENV_FILE": os.devnull,  # do not use the settings of a demo on this machine
        "WINUX_DATABASE_URL": f"sqlite:///{folder / 'winux.db'}",
        "WINUX_SECRET_KEY": "a secret key that only the tests use",
        "WINUX_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"k" * 32).decode(),
        "WINUX_LAUNCH_BURST": "1000",
        "WINUX_PORTAL_ID": "tests",
        "WINUX_RUN_DIR": str(folder / "run"),
        "WINUX_GUEST_KEY_FILE": str(folder / "guest_key"),
        "proxmox_api_host": "127.0.0.1",
        "proxmox_api_port": "1",
        "proxmox_api_user": "winux@pve",
        "proxmox_api_token_id": "portal",
        "proxmox_api_token_secret": "00000000-0000-0000-0000-000000000000",
        "proxmox_node": "lab",
        "proxmox_storage": "local-lab",
        "proxmox_bridge": "wxt0",
        **changes,
    }


def publish_template(services: bootstrap.Services, name: str = "xfce", **changes: object) -> None:
    """Publish a template as `./winux template publish` does."""
    values: dict[str, object] = {
        "title": name.upper(),
        "summary": "A light desktop.",
        "vmid": 29001,
        "version": "1",
        "published_at": services.clock.now(),
        **changes,
    }
    with services.db.begin() as session:
        session.add(Template(name=name, **values))


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a database file with only the schema, as all migrations take a while."""
    folder = tmp_path_factory.mktemp("empty")
    made = bootstrap.build_services(load(make_environment(folder)))
    migration.migrate(made.db)
    made.db.close()
    return folder / "winux.db"


@pytest.fixture
def services(
    config: Config, clock: SteppingClock, empty_database: Path
) -> Iterator[bootstrap.Services]:
    is_file = config.database_url.startswith("sqlite:///")
    if is_file:
        shutil.copy(empty_database, config.database_url.removeprefix("sqlite:///"))
    made = bootstrap.build_services(config, clock=clock, hasher=ArgonHasher(QUICK))
    if not is_file:
        migration.migrate(made.db)
    yield made
    made.db.close()


@pytest.fixture
def alice(services: bootstrap.Services) -> Actor:
    return Actor(services.accounts.add_person(SYSTEM, "alice", PASSWORD), "192.0.2.1")


@pytest.fixture
def bob(services: bootstrap.Services) -> Actor:
    return Actor(services.accounts.add_person(SYSTEM, "bob", PASSWORD), "192.0.2.2")


@pytest.fixture
def root(services: bootstrap.Services) -> Actor:
    person_id = services.accounts.add_person(SYSTEM, "root", PASSWORD, role=Role.ADMIN)
    return Actor(person_id, "192.0.2.3", role=Role.ADMIN)


@pytest.fixture
def xfce(services: bootstrap.Services) -> str:
    publish_template(services)
    return "xfce"
