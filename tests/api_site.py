"""A complete portal for API clients: gunicorn, a gateway process, a worker on a fake node."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.fakes import FakeNode, FakeProvisioner
from tests.gateway.events.event_site import answers, free_port, until
from tests.portal import PASSWORD, QUICK, make_environment, publish_template
from tests.worker.life import running
from webapp.adapters import migration
from webapp.adapters.secrets import ArgonHasher
from webapp.bootstrap import Services, build_services
from webapp.bootstrap_worker import build_worker_services
from webapp.config import ROOT, load
from webapp.domain.people.roles import Role
from webapp.services.audit.record import SYSTEM, Actor
from webapp.worker.loop import Worker


@dataclass
class ApiSite:
    """A running portal; `url` is its address."""

    services: Services
    url: str
    environment: dict[str, str]
    node: FakeNode

    def person(self, name: str, role: Role = Role.PERSON) -> Actor:
        person_id = self.services.accounts.add_person(SYSTEM, name, PASSWORD, role=role)
        return Actor(person_id, "192.0.2.1", role=role)

    def key(self, actor: Actor, *scopes: str) -> str:
        return self.services.keys.make(actor, f"tests {' '.join(scopes)}", scopes).text


@contextmanager
def api_site(folder: Path, *, has_worker: bool = True, **settings: str) -> Iterator[ApiSite]:
    web_port, gateway_port = free_port(), free_port()
    url = f"http://127.0.0.1:{web_port}"
    environment = make_environment(
        folder,
        WINUX_PUBLIC_URL=url,
        WINUX_GATEWAY_LISTEN=f"127.0.0.1:{gateway_port}",
        **settings,
    )
    services = build_services(load(environment), hasher=ArgonHasher(QUICK))
    migration.migrate(services.db)
    publish_template(services)
    python = [sys.executable, "-P", "-m"]
    web = ["gunicorn", "--bind", f"127.0.0.1:{web_port}", "--threads", "4", "wsgi:app"]
    node = FakeNode()
    worker_services = build_worker_services(
        services, "tests", provisioner=FakeProvisioner(node), hypervisor=node
    )
    with (
        _process([*python, *web, "--log-level", "warning"], environment),
        _process([*python, "webapp", "gateway"], environment),
    ):
        until(lambda: _is_up(url) and answers(gateway_port), 60)
        with running(*[Worker(worker_services)] if has_worker else []):
            yield ApiSite(services, url, environment, node)
    services.db.close()


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):
        return False
