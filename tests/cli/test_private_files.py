"""Files of the portal's processes can be read only by their own account."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.adapters.database import SqlDatabase, files_of
from webapp.config import ROOT

#: The default of most shells and init systems.
USUAL_UMASK = 0o022


def modes(folder: Path) -> dict[str, str]:
    """Return everything below a folder that other accounts can access, with its mode."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.lstat().st_mode & 0o077:
            found[str(path.relative_to(folder))] = oct(path.lstat().st_mode & 0o777)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("./winux", "worker", "--once"),
        (".venv/bin/python", "-m", "webapp", "check-config"),
        (".venv/bin/gunicorn", "--bind", "127.0.0.1:0", "--error-logfile", "LOG", "wsgi:app"),
    ],
    ids=lambda command: command[0],
)
def test_nothing_that_a_process_writes_is_open(tmp_path: Path, command: tuple[str, ...]) -> None:
    settings = make_environment(tmp_path / "portal")
    (tmp_path / "portal").mkdir()
    words = [str(tmp_path / "portal" / "error.log") if word == "LOG" else word for word in command]
    environment = {"PATH": os.environ["PATH"], **settings}

    def run(*what: str) -> None:
        process = subprocess.Popen(
            what, cwd=ROOT, env=environment, umask=USUAL_UMASK, stdout=subprocess.PIPE
        )
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.terminate()  # the web server runs until then
            process.communicate(timeout=30)

    run("./winux", "migrate", "--new")
    run("./winux", "person", "add", "alice", "--generate")
    run(*words)
    assert (tmp_path / "portal" / "winux.db").exists()
    assert modes(tmp_path / "portal") == {}


def test_a_database_that_an_earlier_release_left_open_is_closed(tmp_path: Path) -> None:
    files = files_of(tmp_path / "winux.db")
    for file in files:
        file.touch()
        file.chmod(0o644)
    SqlDatabase(f"sqlite:///{tmp_path / 'winux.db'}").close()
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
