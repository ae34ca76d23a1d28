"""Fifty simultaneous clicks of one person, through the real web server with four processes.

They are sent over HTTP as browsers do, on SQLite and on PostgreSQL. Each response is a desktop or a
refusal that lists the running ones, and there are never more desktops than the person may have.
"""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from setup.page_client import PageClient
from setup.processes import DIE_WITH_PARENT
from tests.portal import PASSWORD, QUICK, make_environment, publish_template
from tests.warm import add_warm
from webapp.adapters import migration
from webapp.adapters.secrets import ArgonHasher
from webapp.bootstrap import Services, build_services
from webapp.config import ROOT, load
from webapp.domain.states import LIVE
from webapp.models import Base
from webapp.services.audit.record import SYSTEM, Actor

CLICKS = 50
START_S = 60


@dataclass(frozen=True)
class Site:
    """A web server, and services on its database."""

    services: Services
    port: int


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    changes = {"WINUX_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    if request.param == "postgresql":
        changes["WINUX_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    environment = make_environment(tmp_path, **changes)
    services = build_services(load(environment), hasher=ArgonHasher(QUICK))
    migration.migrate(services.db)
    publish_template(services)
    server = _serve(port, environment, tmp_path / "web.log")
    yield Site(services, port)
    server.terminate()
    server.wait(30)
    if request.param == "postgresql":
        Base.metadata.drop_all(services.db.engine)
        with services.db.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")
    services.db.close()


def _serve(port: int, environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    options = ["--bind", f"127.0.0.1:{port}", "--workers=4", "--threads=4", "--preload"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*DIE_WITH_PARENT, sys.executable, "-m", "gunicorn", *options, "wsgi:app"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            stdout=out,
            stderr=out,
        )
    give_up = time.monotonic() + START_S
    while not _answers(port):
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < give_up, log.read_text()
        time.sleep(0.1)
    return server


def _answers(port: int) -> bool:
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    try:
        web.request("GET", "/healthz")
        return web.getresponse().status == 200
    except OSError:
        return False
    finally:
        web.close()


def click(site: Site, cookie: str, fields: dict[str, str], together: threading.Barrier) -> str:
    """Press *Launch desktop* in a separate window; return its target, or the refusal."""
    web = http.client.HTTPConnection("127.0.0.1", site.port, timeout=120)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(fields)
    together.wait()
    web.request("POST", "/desktops/", body, headers)
    answer = web.getresponse()
    text = answer.read().decode()
    web.close()
    if answer.status == 303:
        return str(answer.headers["Location"])
    assert answer.status == 409, (answer.status, text[:2000])
    assert "Stop the oldest and launch" in text
    return "refused"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("warm", [0, 2], ids=["none warm", "two warm"])
def test_the_limit_holds(site: Site, warm: int) -> None:
    alice = Actor(site.services.accounts.add_person(SYSTEM, "alice", PASSWORD))
    add_warm(site.services, warm)
    visitor = PageClient(f"http://127.0.0.1:{site.port}")
    visitor.sign_in("alice", PASSWORD)
    form = visitor.open("/").form_with("template", "launch_token")
    assert form
    together = threading.Barrier(CLICKS)
    with ThreadPoolExecutor(CLICKS) as windows:
        outcomes = list(
            windows.map(
                lambda number: click(
                    site,
                    visitor.cookie_header(),
                    form.fields | {"launch_token": f"window-{number}"},
                    together,
                ),
                range(CLICKS),
            )
        )
    limit = site.services.config.max_desktops
    assert Counter(outcomes)["refused"] == CLICKS - limit
    launched = {path.rpartition("/")[2] for path in outcomes if path != "refused"}
    assert len(launched) == limit
    rows = site.services.reports.live_desktops(alice.person_id or 0)
    assert {row.public_id for row in rows if row.state in LIVE} == launched
