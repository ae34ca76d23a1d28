"""The real application on real services, called as programs call it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.compilation import make_app
from tests.fakes import FakeNode, FakeProvisioner
from tests.worker.life import launch
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.services.audit.record import Actor

API = "/api/v1"


class Program:
    """A program with a key, or none."""

    def __init__(self, app: Flask, key: str | None = None, address: str = "192.0.2.20") -> None:
        self.client = app.test_client(use_cookies=False)
        self.client.environ_base["REMOTE_ADDR"] = address
        self.headers = {"X-API-Key": key} if key else {}

    def call(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            path if path.startswith("/api/") else API + path,
            method=method,
            json=body,
            headers={**self.headers, **named},
            buffered=True,
        )

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> TestResponse:
        return self.call("POST", path, {} if body is None else body, **headers)

    def send(self, path: str, data: bytes, content_type: str = "application/json") -> TestResponse:
        """Send a body unchanged."""
        return self.client.post(
            path if path.startswith("/api/") else API + path,
            data=data,
            content_type=content_type,
            headers=self.headers,
            buffered=True,
        )


MakeProgram = Callable[..., Program]


@pytest.fixture
def app(services: Services) -> Flask:
    return make_app(services)


@pytest.fixture
def program(app: Flask, services: Services) -> MakeProgram:
    """Return a program with a new key of this person."""

    number = count()

    def make(
        actor: Actor, scopes: Iterable[str] = ("launch",), expires_at: datetime | None = None
    ) -> Program:
        name = f"key {next(number)}"
        return Program(app, services.keys.make(actor, name, scopes, expires_at).text)

    return make


@pytest.fixture
def nobody(app: Flask) -> Program:
    return Program(app)


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def worker(services: Services, node: FakeNode) -> WorkerServices:
    return bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=FakeProvisioner(node), hypervisor=node
    )


@pytest.fixture
def ready(services: Services, alice: Actor, xfce: str, worker: WorkerServices) -> str:
    """A ready desktop of alice."""
    public_id = launch(services, alice)
    assert worker.builder.build_one()
    return public_id
