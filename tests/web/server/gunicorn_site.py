"""The web server as in production, in a separate process."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from tests.gateway.events.event_site import until
from tests.portal import make_environment
from webapp.config import ROOT


def command(bind: str, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "wsgi:app"),
        *("--bind", bind, "--workers", "2", "--threads", "4", "--keep-alive", "60"),
        *more,
    ]


@contextmanager
def running(folder: Path, bind: str, *more: str, **changes: str) -> Iterator[psutil.Process]:
    environment = {"PATH": os.environ["PATH"], **make_environment(folder), **changes}
    process = subprocess.Popen(command(bind, *more), cwd=ROOT, env=environment)
    master = psutil.Process(process.pid)
    try:
        until(lambda: len(master.children()) == 2, 30)
        yield master
    finally:
        process.terminate()
        process.wait(40)


def is_well(port: int) -> bool:
    try:
        return status(port, "/healthz") == 200
    except OSError:
        return False


def status(port: int, path: str, headers: Mapping[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse().status
