"""The web server as in production: two workers that share the connections."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.gateway.events.event_site import free_port, until
from tests.portal import make_environment
from tests.web.server.gunicorn_site import command, is_well, running, status
from webapp.bootstrap import Services
from webapp.config import ROOT

pytestmark = pytest.mark.timeout(90)

TOGETHER = 40
"""Simultaneous connections; the probability that one worker gets all of them is 10^-12."""


def served(master: psutil.Process, port: int) -> list[int]:
    """Return the number of connections that each worker has accepted."""
    return [
        sum(
            one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port
            for one in worker.net_connections("tcp")
        )
        for worker in master.children()
    ]


def test_connections_that_come_together_are_shared_out(services: Services, tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, f"127.0.0.1:{port}") as master:
        until(lambda: is_well(port), 30)
        plugs = [socket.create_connection(("127.0.0.1", port)) for _ in range(TOGETHER)]
        until(lambda: sum(served(master, port)) >= TOGETHER)
        assert min(served(master, port)) > 0
        for plug in plugs:
            plug.close()


def test_a_second_one_on_the_same_port_is_refused(services: Services, tmp_path: Path) -> None:
    port = free_port()
    bind = f"127.0.0.1:{port}"
    with running(tmp_path, bind):
        until(lambda: is_well(port), 30)
        environment = {"PATH": os.environ["PATH"], **make_environment(tmp_path)}
        second = subprocess.run(
            command(bind), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert second.returncode != 0
        assert f"winux web: cannot listen on {bind}: Address already in use." in second.stderr
        assert is_well(port)


def test_it_starts_again_where_one_was_killed(services: Services, tmp_path: Path) -> None:
    port = free_port()
    bind = f"127.0.0.1:{port}"
    with running(tmp_path, bind) as killed:
        until(lambda: is_well(port), 30)
        workers = killed.children()
        killed.kill()
        with running(tmp_path, bind):  # the sockets of the killed one still listen
            until(lambda: is_well(port), 30)
        psutil.wait_procs(workers, 10)


def test_it_serves_on_after_a_reload(services: Services, tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, f"127.0.0.1:{port}") as master:
        until(lambda: is_well(port), 30)
        before = set(master.children())
        master.send_signal(signal.SIGHUP)
        until(lambda: len(master.children()) == 2 and not before & set(master.children()), 40)
        until(lambda: is_well(port))


def test_it_serves_at_a_path(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with running(tmp_path, f"unix:{path}"), socket.socket(socket.AF_UNIX) as plug:
        until(path.exists, 30)
        plug.settimeout(20)
        plug.connect(str(path))
        plug.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert plug.recv(15) == b"HTTP/1.1 200 OK"


def test_no_header_changes_the_path(services: Services, tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, f"127.0.0.1:{port}"):
        until(lambda: is_well(port), 30)
        for header in ("SCRIPT_NAME", "PATH_INFO", "Script-Name", "X-Forwarded-Prefix"):
            assert status(port, "/x/healthz", {header: "/x"}) == 404
            assert status(port, "/healthz", {header: "/x"}) == 200


def test_nothing_is_left_in_the_home_of_the_account(services: Services, tmp_path: Path) -> None:
    port = free_port()
    home = tmp_path / "home"
    home.mkdir()
    with running(tmp_path, f"127.0.0.1:{port}", HOME=str(home)):
        until(lambda: is_well(port), 30)
    assert list(home.rglob("*")) == []
