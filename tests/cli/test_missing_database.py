"""A missing database is never replaced by an empty one, which would hide the loss."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.config import ROOT

#: Every program that opens the database.
OPENERS = [
    ("./winux", "person", "list"),
    ("./winux", "worker", "--once"),
    ("./winux", "gateway"),
    ("./winux", "migrate"),
    ("./winux", "reconcile"),
    (".venv/bin/gunicorn", "--bind", "127.0.0.1:0", "wsgi:app"),
]


class Operator:
    """A shell in the checkout, for a portal whose database is on a separate disk."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "disk" / "winux.db"
        url = f"sqlite:///{self.database}"
        settings = make_environment(folder, WINUX_DATABASE_URL=url)
        self.environment = {"PATH": os.environ["PATH"], **settings}

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60
        )


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path)
    assert made.types("./winux", "migrate", "--new").returncode == 0
    assert made.types("./winux", "person", "add", "alice", "--generate").returncode == 0
    return made


@pytest.mark.sampled(6)
@pytest.mark.parametrize("command", OPENERS, ids=" ".join)
@pytest.mark.parametrize("leaves", ["nothing", "a folder", "an empty file"])
def test_an_absent_disk_is_named_and_nothing_is_made(
    operator: Operator, command: tuple[str, ...], leaves: str
) -> None:
    disk = operator.database.parent
    disk.rename(disk.with_name("unmounted"))
    if leaves != "nothing":
        disk.mkdir()
    if leaves == "an empty file":  # a leftover of an earlier release
        operator.database.touch()
    done = operator.types(*command)
    said = done.stdout + done.stderr
    assert done.returncode in {1, 3}, said
    assert str(operator.database) in said
    assert "migrate --new" in said
    assert "mount" in said
    assert "Run ./winux migrate." not in said
    assert disk.exists() == (leaves != "nothing")
    assert operator.database.exists() == (leaves == "an empty file")
    if operator.database.exists():
        with closing(sqlite3.connect(operator.database)) as db:
            assert db.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_with_the_disk_back_all_is_there(operator: Operator) -> None:
    disk = operator.database.parent
    disk.rename(disk.with_name("unmounted"))
    assert operator.types("./winux", "person", "list").returncode == 3
    disk.with_name("unmounted").rename(disk)
    assert "alice" in operator.types("./winux", "person", "list").stdout


def test_the_settings_check_names_it_too(operator: Operator) -> None:
    operator.database.unlink()
    assert (
        f"There is no database at {operator.database}"
        in operator.types("./winux", "check-config").stdout
    )
    assert (
        f"There is no database at {operator.database}" in operator.types("./winux", "doctor").stdout
    )
    assert not operator.database.exists()


def test_a_portal_is_not_made_over_another(operator: Operator) -> None:
    done = operator.types("./winux", "migrate", "--new")
    assert (done.returncode, "a portal at" in done.stderr) == (1, True)
    assert "alice" in operator.types("./winux", "person", "list").stdout
