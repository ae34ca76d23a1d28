"""A PostgreSQL server for the tests: a new cluster in a temporary folder, on a socket."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARIES = Path("/usr/lib/postgresql")
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
START_S = 60


def _program(name: str) -> str:
    found = sorted(BINARIES.glob(f"*/bin/{name}"))
    assert found, "PostgreSQL is not installed; `make test` installs it"
    return str(found[-1])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return SQLAlchemy's URL of an empty server, which ends with the tests."""
    # Do not use pytest's own folder: the server's user cannot enter it, and every pytest that
    # starts meanwhile restricts it again.
    with tempfile.TemporaryDirectory(prefix="winux-postgres-") as place:
        folder = Path(place)
        shutil.chown(folder, "postgres", "postgres")
        data = ("-D", str(folder / "data"))
        subprocess.run(
            [*AS_POSTGRES, _program("initdb"), *data, "--auth=trust", "-N"],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
            cwd="/",
        )
        with (folder / "log").open("wb") as log:
            settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off")
            options = [word for setting in settings for word in ("-c", setting)]
            # also if this run is killed and its fixtures do not end
            command = [*AS_POSTGRES, "--pdeathsig=INT", _program("postgres"), *data, *options]
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        _wait_until_ready(folder, server)
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        # not SIGQUIT: it leaves the shared memory of a query that still runs
        server.send_signal(signal.SIGINT)
        server.wait(60)


def _wait_until_ready(folder: Path, server: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_S
    while subprocess.run([_program("pg_isready"), "-q", "-h", str(folder)]).returncode:
        assert server.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < give_up, "PostgreSQL did not get ready"
        time.sleep(0.1)
