"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a socket."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARIES = Path("/usr/lib/postgresql")


def _program(name: str) -> str:
    found = sorted(BINARIES.glob(f"*/bin/{name}"))
    assert found, "PostgreSQL is not installed; `make test` installs it"
    return str(found[-1])


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SQLAlchemy's URL of an empty server, which ends with the tests."""
    folder = tmp_path_factory.mktemp("postgres")
    # The server refuses to run as root, and the temporary folder's parents are closed to others.
    shutil.chown(folder, "postgres", "postgres")
    _open_parents(folder)
    _as_postgres(_program("initdb"), "-D", str(folder / "data"), "--auth=trust", "-N")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    _as_postgres(
        _program("pg_ctl"),
        "-D",
        str(folder / "data"),
        "-w",
        "-o",
        settings,
        "-l",
        str(folder / "log"),
        "start",
    )
    yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    _open_parents(folder)  # every other pytest that starts meanwhile closes them again
    _as_postgres(_program("pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")


def _open_parents(folder: Path) -> None:
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)


def _as_postgres(*command: str) -> None:
    subprocess.run(
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
        cwd="/",
    )
