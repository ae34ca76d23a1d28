"""A full disk is reported with its path and the fix, and nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.adapters import migration
from webapp.app import create_app
from webapp.bootstrap import Services, build_services
from webapp.bootstrap_worker import build_doctor
from webapp.config import load
from webapp.domain.errors import OutsideFailed
from webapp.services.audit.record import SYSTEM

PASSWORD = "a long enough password"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small separate disk."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "winux-test", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine may not mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def portal(disk: Path, tmp_path: Path) -> Iterator[Services]:
    url = f"sqlite:///{disk / 'winux.db'}"
    made = build_services(load(make_environment(tmp_path, WINUX_DATABASE_URL=url)))
    migration.create(made.db)
    made.accounts.add_person(SYSTEM, "alice", PASSWORD)
    yield made
    made.db.close()


def fill(disk: Path) -> Path:
    """Fill the disk completely."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            while os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize >= size:
                file.write(b"x" * size)
    return ballast


def people_until_it_fails(portal: Services) -> tuple[list[str], OutsideFailed]:
    """Return the people who could still be added, and the error of the next one."""
    added: list[str] = []
    for number in range(2000):
        try:
            portal.accounts.add_person(SYSTEM, f"p{number}", PASSWORD)
        except OutsideFailed as failure:
            return added, failure
        added.append(f"p{number}")
    raise AssertionError("the disk never was full")


def test_a_full_disk_is_named_and_what_was_written_stays(portal: Services, disk: Path) -> None:
    ballast = fill(disk)
    added, failure = people_until_it_fails(portal)
    assert f"The disk of the database {disk / 'winux.db'} is full." in failure.message
    assert f"df -h {disk}" in failure.what_to_do
    answer = create_app(portal).test_client().get("/readyz")
    assert answer.status_code == 503
    assert portal.db.trouble().startswith(f"The disk of the database {disk / 'winux.db'} is full.")
    ballast.unlink()
    assert portal.db.trouble() == ""
    portal.accounts.add_person(SYSTEM, "bob", PASSWORD)
    names = {person.name for person in portal.accounts.people()}
    assert names == {"alice", "bob", *added}
    assert portal.accounts.sign_in("alice", PASSWORD, "192.0.2.1", "test")


def test_the_doctor_says_it_too(portal: Services, disk: Path) -> None:
    fill(disk)
    signs = {sign.part: sign for sign in build_doctor(portal).examine()}
    assert signs["database disk"].health.value == "bad"
    assert str(disk) in signs["database disk"].text
