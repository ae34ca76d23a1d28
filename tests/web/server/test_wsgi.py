"""wsgi.py as gunicorn loads it: it starts, or reports the reason in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.bootstrap import Services
from webapp.config import ROOT

LOAD = "import wsgi; print(wsgi.app.test_client().get('/healthz').json['status'])"


def load(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", LOAD], env=environment, cwd=ROOT, capture_output=True, text=True
    )


def test_it_starts(services: Services, tmp_path: Path) -> None:
    done = load(make_environment(tmp_path))
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"WINUX_SECRET_KEY": "short"}, "WINUX_SECRET_KEY is too short"),
        ({"WINUX_PUBLIC_URL": "nonsense"}, "WINUX_PUBLIC_URL"),
    ],
)
def test_wrong_settings_stop_it(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    done = load(make_environment(tmp_path, **changes))
    assert done.returncode == 1
    assert done.stderr.startswith("winux web: ")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_a_schema_stops_it(tmp_path: Path) -> None:
    done = load(make_environment(tmp_path))
    assert done.returncode == 1
    assert "./winux migrate" in done.stderr
