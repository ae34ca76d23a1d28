"""Both streams × every kind of caller, like the operations in tests/api/test_access_matrix.py."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from sqlalchemy import update

from tests.access_matrix import COLUMNS, expected
from tests.gateway.events.event_site import EventSite, event_site, free_port
from tests.gateway.events.test_events import signed_in
from webapp.api.streams import STREAMS, Stream
from webapp.domain.people.roles import Role
from webapp.models import ApiKey, Person
from webapp.services.audit.record import SYSTEM

EXPECTED = expected(
    """
follow_session  200 200 200 404 404 200 200 200 404 404 404 401 401 401 401
follow_sessions 200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
"""
)

Callers = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventSite]:
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    with event_site(tmp_path_factory.mktemp("access"), WINUX_PUBLIC_URL=own) as made:
        yield made


@pytest.fixture(scope="module")
def session_sub(site: EventSite) -> str:
    return site.make_ready("alice")


@pytest.fixture(scope="module")
def callers(site: EventSite, session_sub: str) -> Callers:
    """The headers of each caller."""
    for name in ("root", "rita"):
        site.person(name, role=Role.ADMIN)
    site.person("oscar", role=Role.OPERATOR)
    for name in ("audrey", "flora"):
        site.person(name, role=Role.AUDITOR)
    keys = {
        "read": site.key("alice", "read"),
        "launch": site.key("alice", "launch"),
        "other": site.key("bob", "launch"),
        "staff": site.key("oscar", "launch"),
        "operator": site.key("oscar", "admin"),
        "auditor": site.key("audrey", "admin"),
        "admin": site.key("root", "admin"),
        "demoted": site.key("rita", "admin"),
        "fallen": site.key("flora", "admin"),
        "personal": site.key("root", "launch"),
        "revoked": site.key("alice", "launch"),
        "expired": site.key("alice", "launch"),
        "suspended": site.key("dora", "launch"),
    }
    services = site.services
    services.keys.revoke(site.person("alice"), keys["revoked"][0])
    services.accounts.suspend(SYSTEM, "dora")
    yesterday = services.clock.now() - timedelta(days=1)
    expired = update(ApiKey).where(ApiKey.id == keys["expired"][0]).values(expires_at=yesterday)
    with services.db.begin() as session:
        session.execute(expired)
        demoted = Person.name.in_(("rita", "flora"))
        session.execute(update(Person).where(demoted).values(role=Role.PERSON))
    cookie = signed_in(site, "alice") | {"Sec-Fetch-Site": "same-origin"}
    return {name: {"X-API-Key": text} for name, (_, text) in keys.items()} | {
        "cookie": cookie,
        "none": {},
    }


def test_every_stream_has_a_line() -> None:
    assert {one.name for one in STREAMS} == set(EXPECTED)


@pytest.mark.parametrize("one", STREAMS, ids=lambda one: one.name)
def test_who_may(one: Stream, site: EventSite, session_sub: str, callers: Callers) -> None:
    path = one.path.format(session_sub=session_sub)
    got = {name: _status(f"{site.url}/api/v1{path}", callers[name]) for name in COLUMNS}
    assert got == EXPECTED[one.name]


def _status(url: str, headers: dict[str, str]) -> int:
    with requests.get(url, headers=headers, stream=True, timeout=10) as response:
        return response.status_code
