"""The real application on real services; browsers are test clients that send the pages' forms."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.compilation import make_app
from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import PASSWORD
from tests.worker.life import launch
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.services.audit.record import Actor

TOKEN = re.compile(r'name="csrf_token"\s+value="([^"]+)"')


class Browser:
    """One person's browser: its cookies, and the CSRF token of the page that it opened last."""

    def __init__(self, client: FlaskClient, address: str = "192.0.2.10") -> None:
        self.client = client
        self.client.environ_base["REMOTE_ADDR"] = address

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def live(self, path: str) -> TestResponse:
        """Send the request as static/js/live.js does."""
        return self.get(path, headers={"X-Live": "1"})

    def post(
        self, path: str, *, headers: dict[str, str] | None = None, **fields: str
    ) -> TestResponse:
        """Send a form with the CSRF token of a page that has one."""
        page = self.get("/account/", follow_redirects=True)
        found = TOKEN.search(page.text)
        assert found, "no form with a token on the page"
        return self.client.post(
            path, data={"csrf_token": unescape(found[1]), **fields}, headers=headers, buffered=True
        )

    def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.post("/sign-in", name=name, password=password, **fields)

    def sees(self, path: str) -> str:
        """Return the text of a page that must open, without tags and extra spaces."""
        page = self.get(path)
        assert page.status_code == 200, (path, page.status_code)
        return words(page)


def words(page: TestResponse) -> str:
    """Return the text of a response that a person reads."""
    text = re.sub(r"(?s)<(script|style|noscript)\b.*?</\1>|<[^>]+>", " ", page.text)
    return " ".join(unescape(text).split())


Browse = Callable[[str], Browser]


@pytest.fixture
def app(services: Services) -> Flask:
    return make_app(services)


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser without a sign-in."""
    return Browser(app.test_client())


@pytest.fixture
def browse(app: Flask) -> Browse:
    """Return a browser in which that person is signed in."""

    def make(name: str) -> Browser:
        browser = Browser(app.test_client())
        assert browser.sign_in(name).status_code == 303
        return browser

    return make


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
