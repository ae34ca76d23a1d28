"""Every operation × every kind of caller in one table. An operation without a line fails."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import update

from tests.access_matrix import COLUMNS, expected
from tests.api.conftest import API, Program
from tests.portal import PASSWORD, SteppingClock
from tests.web.conftest import TOKEN, Browser
from webapp.api.framework.operation import OPERATIONS, Operation, operation_of
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.connections.target import Door
from webapp.domain.people.roles import Role
from webapp.http.access import Access, by_scope, rule_of
from webapp.models import Person
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.connections.admission import Client

EXPECTED = expected(
    """
launch_session       403 202 202 202 202 202 202 202 202 202 202 401 401 401 401
list_sessions        200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
get_session          200 200 200 404 404 200 200 200 404 404 404 401 401 401 401
extend_session       403 200 200 404 404 200 403 200 404 404 404 401 401 401 401
pause_session        403 200 200 404 404 200 403 200 404 404 404 401 401 401 401
resume_session       403 200 200 404 404 200 403 200 404 404 404 401 401 401 401
stop_session         403 200 200 404 404 200 403 200 404 404 404 401 401 401 401
delete_session       403 204 204 404 404 204 403 204 404 404 404 401 401 401 401
beat_session         403 200 200 404 404 404 404 404 404 404 404 401 401 401 401
choose_end_on_close  403 200 200 404 404 404 404 404 404 404 404 401 401 401 401
close_session_page   403 204 204 404 404 404 404 404 404 404 404 401 401 401 401
make_ticket          403 201 201 404 404 404 404 404 404 404 404 401 401 401 401
reveal_credentials   403 200 200 404 404 404 404 404 404 404 404 401 401 401 401
get_rdp_file         200 200 200 404 404 404 404 404 404 404 404 401 401 401 401
list_templates       200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
get_capacity         200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
list_connections     200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
cut_connection       403 204 204 404 404 204 403 204 404 404 404 401 401 401 401
list_pools           403 403 403 403 403 200 200 200 403 403 403 401 401 401 401
get_metrics          403 403 403 403 403 200 200 200 403 403 403 401 401 401 401
ask_for_cleanup      403 403 403 403 403 202 403 202 403 403 403 401 401 401 401
get_cleanup          403 403 403 403 403 200 200 200 403 403 403 401 401 401 401
get_me               200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
list_keys            200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
make_key             403 403 201 403 403 201 201 201 403 403 403 401 401 401 401
confirm_password     403 403 204 403 403 403 403 403 403 403 403 401 401 401 401
revoke_key           403 204 204 404 404 404 403 204 404 404 404 401 401 401 401
list_people          403 403 403 403 403 403 200 200 403 403 403 401 401 401 401
add_person           403 403 403 403 403 403 403 201 403 403 403 401 401 401 401
get_person           403 403 403 403 403 403 200 200 403 403 403 401 401 401 401
set_role             403 403 403 403 403 403 403 200 403 403 403 401 401 401 401
suspend_person       403 403 403 403 403 403 403 200 403 403 403 401 401 401 401
restore_person       403 403 403 403 403 403 403 200 403 403 403 401 401 401 401
list_audit           403 403 403 403 403 403 200 200 403 403 403 401 401 401 401
get_document         200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
get_problem_kind     200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
older_get_health     200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
older_create_session 403 201 201 201 201 201 201 201 201 201 201 401 401 401 401
older_list_sessions  200 200 200 200 200 200 200 200 200 200 200 401 401 401 401
older_get_session    200 200 200 404 404 200 200 200 404 404 404 401 401 401 401
older_delete_session 403 200 200 404 404 200 403 200 404 404 404 401 401 401 401
older_clean_up       403 403 403 403 403 202 403 202 403 403 403 401 401 401 401
older_get_document   200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
get_status           200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
"""
)
#: Bodies of operations that reject an empty one.
BODIES = {
    "extend_session": {"minutes": 1},
    "choose_end_on_close": {"end_on_close": True},
    "confirm_password": {"password": PASSWORD},
    "make_key": {"name": "made", "scopes": ["read"]},
    "set_role": {"role": "auditor"},
    "add_person": {"name": "erin", "password": PASSWORD},
}

Call = Callable[[str, str, object], int]
Things = dict[str, Callable[[], str | int]]


def test_every_operation_has_a_line() -> None:
    assert {one.name for one in OPERATIONS} == set(EXPECTED)


def test_every_route_of_the_api_is_an_operation_with_a_rule(app: Flask) -> None:
    views = [
        app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
    ]
    assert len(views) == len(OPERATIONS)
    assert all(rule_of(view) is Access.SCOPE and operation_of(view) for view in views)


def test_a_route_that_is_no_operation_is_refused(app: Flask, callers: dict[str, Call]) -> None:
    app.view_functions["api.get_status"] = by_scope(lambda: "secret")
    assert {call("GET", f"{API}/status", None) for call in callers.values()} == {403}


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_who_may(one: Operation, callers: dict[str, Call], things: Things) -> None:
    body = BODIES.get(one.name, {} if one.body else None)
    got = {}
    for name in COLUMNS:
        parts = {part: things[part]() for part in one.path_kinds}
        got[name] = callers[name](one.method, one.base + one.path.format(**parts), body)
    assert got == EXPECTED[one.name]


@pytest.fixture
def things(
    callers: dict[str, Call],
    services: Services,
    alice: Actor,
    root: Actor,
    ready: str,
    worker: WorkerServices,
) -> Things:
    """Alice's session, connections and keys for the paths, created anew for each caller."""
    number = count()
    worker.heartbeat.beat()  # else the site is not healthy
    services.catalogue.change(SYSTEM, "xfce", {"max_pause_minutes": 60})
    holder = services.keys.make(alice, "holder", ["launch"]).key

    def connection() -> str:
        issued = services.tickets.issue(replace(alice, key_id=holder.id), ready)
        services.tickets.redeem(issued.token, Client(Door.BROWSER_VIEW, "192.0.2.1", "a browser"))
        (view, *_), _ = services.connections.stretch(
            alice, limit=1, before=None, desktop_id=ready, is_open=True
        )
        return view.public_id

    return {
        "session_sub": lambda: ready,
        "session_id": lambda: ready,
        "connection": connection,
        "key": lambda: services.keys.make(alice, f"spare {next(number)}", ["read"]).key.id,
        "name": lambda: "bob",
        "cleanup": lambda: services.cleanups.ask(root).cleanup.public_id,
        "slug": lambda: "limit-reached",
    }


@pytest.fixture
def callers(
    app: Flask, services: Services, clock: SteppingClock, alice: Actor, bob: Actor, root: Actor
) -> dict[str, Call]:
    people = services.accounts
    oscar = Actor(people.add_person(SYSTEM, "oscar", PASSWORD, role=Role.OPERATOR))
    dora = Actor(people.add_person(SYSTEM, "dora", PASSWORD))
    audrey = Actor(people.add_person(SYSTEM, "audrey", PASSWORD, role=Role.AUDITOR))
    rita = Actor(people.add_person(SYSTEM, "rita", PASSWORD, role=Role.ADMIN))
    flora = Actor(people.add_person(SYSTEM, "flora", PASSWORD, role=Role.AUDITOR))

    number = count()

    def key(who: Actor, scope: str, days: int | None = None) -> str:
        until = services.clock.now() + timedelta(days=days) if days else None
        return services.keys.make(who, f"key {next(number)}", [scope], until).text

    keys = {
        "read": key(alice, "read"),
        "launch": key(alice, "launch"),
        "other": key(bob, "launch"),
        "staff": key(oscar, "launch"),
        "operator": key(oscar, "admin"),
        "auditor": key(audrey, "admin"),
        "admin": key(root, "admin"),
        "demoted": key(rita, "admin"),
        "fallen": key(flora, "admin"),
        "personal": key(root, "launch"),
        "revoked": key(alice, "launch"),
        "expired": key(alice, "launch", days=1),
        "suspended": key(dora, "launch"),
    }
    revoked = services.keys.identify(keys["revoked"], "192.0.2.1")
    assert revoked
    services.keys.revoke(alice, revoked.key_id)
    services.accounts.suspend(SYSTEM, "dora")
    with services.db.begin() as session:
        session.execute(
            update(Person).where(Person.name.in_(("rita", "flora"))).values(role=Role.PERSON)
        )
    clock.step(hours=25)
    calls = {name: by_key(Program(app, text)) for name, text in keys.items()}
    return {**calls, "none": by_key(Program(app)), "cookie": by_cookie(app)}


def by_key(program: Program) -> Call:
    return lambda method, path, body: program.call(method, path, body).status_code


def by_cookie(app: Flask) -> Call:
    """A script of a page, with alice's cookie and the page's CSRF token."""
    browser = Browser(app.test_client())
    assert browser.sign_in("alice").status_code == 303
    page = browser.get("/account/")
    found = TOKEN.search(page.text)
    assert found

    def call(method: str, path: str, body: object) -> int:
        headers = {"X-CSRFToken": unescape(found[1])}
        answer = browser.client.open(path, method=method, json=body, headers=headers)
        return answer.status_code

    return call
