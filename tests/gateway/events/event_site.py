"""A portal's database with a real gateway process, and a client that reads its events."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import requests

from tests.portal import PASSWORD, QUICK, make_environment, publish_template
from webapp.adapters import migration
from webapp.adapters.secrets import ArgonHasher
from webapp.bootstrap import Services, build_services
from webapp.config import ROOT, load
from webapp.domain.access import Internal
from webapp.domain.people.roles import Role
from webapp.domain.states import Event, State, advance
from webapp.models import Desktop, Template
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.provisioning.steps import Steps, finish_steps


@dataclass
class EventSite:
    """Services on the gateway process's database, and its port."""

    services: Services
    port: int
    process: subprocess.Popen[bytes]
    people: dict[str, Actor] = field(default_factory=dict)
    _keys: dict[tuple[str, ...], str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def person(self, name: str, *, role: Role = Role.PERSON) -> Actor:
        if name not in self.people:
            person_id = self.services.accounts.add_person(SYSTEM, name, PASSWORD, role=role)
            self.people[name] = Actor(person_id, "192.0.2.1", role=role)
        return self.people[name]

    def key(self, name: str, *scopes: str) -> tuple[int, str]:
        """Create a key of that person; return its id and its text."""
        made = self.services.keys.make(
            self.person(name), f"tests {next(self._numbers)}", scopes or ["read"]
        )
        return made.key.id, made.text

    def known_key(self, name: str, *scopes: str) -> dict[str, str]:
        """Return a key as a header; the same one for all callers."""
        if (name, *scopes) not in self._keys:
            self._keys[name, *scopes] = self.key(name, *scopes)[1]
        return {"X-API-Key": self._keys[name, *scopes]}

    def forget_keys(self) -> None:
        """Revoke the person's keys."""
        self._keys.clear()

    def launch(self, name: str) -> str:
        return self.services.launcher.launch(self.person(name), LaunchRequest(reuse=False))

    def add_queued(self, name: str, count: int) -> None:
        """Create sessions of that person in one transaction."""
        now, owner_id = self.services.clock.now(), self.person(name).person_id
        with self.services.db.begin() as session:
            template = session.query(Template).first()
            session.add_all(
                Desktop(
                    public_id=f"desktop-{number:08x}",
                    owner_id=owner_id,
                    template=template,
                    state=State.QUEUED,
                    state_at=now,
                    created_at=now,
                    launched_at=now,
                    minutes=30,
                    rdp_username="desktop",
                    keyboard_layout="us",
                )
                for number in range(count)
            )

    def change(self, public_id: str, *events: Event) -> None:
        """Write a row as a worker does."""
        now = self.services.clock.now()
        with self.services.db.begin() as session:
            desktop = session.query(Desktop).filter_by(public_id=public_id).one()
            for event in events:
                advance(desktop, event, now)
            if Event.BUILT in events:
                finish_steps(session, desktop.id, now)
                desktop.ready_at, desktop.deadline_at = now, now + timedelta(minutes=30)
            if Event.DESTROYED in events:
                desktop.ended_at = now

    def step(self, public_id: str, *names: str) -> None:
        """Begin the steps of a build, each of which ends the one before."""
        with self.services.db.read() as session:
            desktop_id = session.query(Desktop.id).filter_by(public_id=public_id).scalar()
        steps = Steps(self.services.db, self.services.clock, desktop_id)
        for name in names:
            steps.begin(name)

    def make_ready(self, name: str) -> str:
        public_id = self.launch(name)
        self.change(public_id, Event.BUILD_STARTED, Event.BUILT)
        return public_id

    def end(self, public_id: str) -> None:
        self.services.lifetime.stop(SYSTEM_ADMIN, public_id)
        self.change(public_id, Event.DESTROYED)


SYSTEM_ADMIN = Actor(None, role=Internal.COMMAND_LINE)


@contextmanager
def event_site(folder: Path, **settings: str) -> Iterator[EventSite]:
    """Run a site with a gateway inside the block."""
    port = free_port()
    environment = make_environment(
        folder,
        WINUX_GATEWAY_LISTEN=f"127.0.0.1:{port}",
        WINUX_MAX_DESKTOPS="1000",
        WINUX_MAX_DESKTOPS_TOTAL="5000",
        WINUX_NETWORK="10.203.0.0/16",
        **settings,
    )
    services = build_services(load(environment), hasher=ArgonHasher(QUICK))
    migration.migrate(services.db)
    publish_template(services)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "webapp", "gateway"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
    )
    try:
        until(lambda: answers(port), 30)
        yield EventSite(services, port, process)
    finally:
        process.terminate()
        process.wait(20)
        services.db.close()


@dataclass(frozen=True)
class StreamEvent:
    """One event as a client reads it."""

    name: str
    data: dict[str, object]
    id: str
    after: float
    """Seconds since the stream was opened."""


class Stream:
    """An open stream, as a program reads it."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.comments = 0
        self.last_id = ""
        self._since = time.monotonic()
        self._lines = response.iter_lines(chunk_size=1, decode_unicode=True)

    def __iter__(self) -> Iterator[StreamEvent]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                after = time.monotonic() - self._since
                yield StreamEvent(fields["event"], json.loads(fields["data"]), self.last_id, after)
                fields = {}

    def next(self) -> StreamEvent:
        return next(iter(self))

    def rest(self) -> list[StreamEvent]:
        return list(self)


@contextmanager
def listening(
    site: EventSite, public_id: str | None, headers: dict[str, str], timeout: float = 20
) -> Iterator[Stream]:
    with requests.get(
        site.url + path_of(public_id), headers=headers, stream=True, timeout=timeout
    ) as response:
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Stream(response)


def path_of(public_id: str | None) -> str:
    return f"/api/v1/sessions/{public_id}/events" if public_id else "/api/v1/events"


def free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/gateway/ping", timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
