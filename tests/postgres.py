"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a socket."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARIES = Path("/usr/lib/postgresql")


def _program(name: str) -> str:
    found = sorted(BINARIES.glob(f"*/bin/{name}"))
    assert found, "PostgreSQL is not installed; `make test` installs it"
    return str(found[-1])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy's URL of an empty server, which ends with the tests."""
    # not in pytest's own folder: it is closed to the user that the server must run as, and every
    # pytest that starts meanwhile closes it again
    with tempfile.TemporaryDirectory(prefix="winux-postgres-") as place:
        folder = Path(place)
        shutil.chown(folder, "postgres", "postgres")
        data = ("-D", str(folder / "data"))
        _as_postgres(_program("initdb"), *data, "--auth=trust", "-N")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        log = ("-l", str(folder / "log"))
        _as_postgres(_program("pg_ctl"), *data, "-w", "-o", settings, *log, "start")
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        _as_postgres(_program("pg_ctl"), *data, "-m", "immediate", "stop")


def _as_postgres(*command: str) -> None:
    subprocess.run(
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
        cwd="/",
    )
