"""Templates, capacity, connections, people, keys, audit, status and cleanup over the API."""

from dataclasses import replace

from flask import Flask

from tests.api.conftest import MakeProgram, Program
from tests.connection_rows import open_to_server
from tests.fakes import FakeNode
from tests.portal import PASSWORD, SteppingClock
from tests.warm import add_warm
from tests.web.conftest import Browser
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.connections.target import Door
from webapp.domain.nodes.mark import Mark
from webapp.services.audit.record import Actor
from webapp.services.connections.admission import Client
from webapp.services.connections.connections import Traffic
from webapp.worker.loop import Worker


def test_templates_say_what_they_give_and_how_many_are_ready(
    program: MakeProgram, alice: Actor, services: Services, xfce: str
) -> None:
    add_warm(services, 2)
    (template,) = program(alice, ["read"]).get("/templates").json["templates"]
    assert (template["name"], template["memory_mb"], template["ready_at_once"]) == ("xfce", 1024, 2)
    (room,) = program(alice, ["read"]).get("/capacity").json["templates"]
    assert (room["template"], room["fits"], room["ready_at_once"]) == ("xfce", None, 2)


def test_connections_are_listed_and_cut(
    program: MakeProgram, alice: Actor, bob: Actor, services: Services, ready: str
) -> None:
    holder = services.keys.make(alice, "holder", ["launch"]).key
    for _ in range(3):
        issued = services.tickets.issue(replace(alice, key_id=holder.id), ready)
        admitted = services.tickets.redeem(
            issued.token, Client(Door.BROWSER_VIEW, "192.0.2.1", "a browser")
        )
    used = Traffic(admitted.connection_id, 10, 20, None, cpu_ms=1500, was_slowed=True)
    services.connections.beat([used])
    caller = program(alice)
    first = caller.get("/connections?limit=2")
    rest = caller.get("/connections?limit=2&cursor=" + first.json["next_cursor"]).json
    busy, idle = first.json["connections"]
    assert (busy["cpu_ms"], busy["was_slowed"]) == (1500, True)
    assert (idle["cpu_ms"], idle["was_slowed"]) == (0, False)
    ids = [one["connection"] for one in first.json["connections"] + rest["connections"]]
    assert len(set(ids)) == 3
    assert rest["next_cursor"] is None
    for one in rest["connections"]:
        assert (one["session_sub"], one["target"], one["target_kind"]) == (ready, ready, "desktop")
        assert (one["protocol"], one["door"]) == ("rdp", "browser view")
    assert program(bob).get("/connections").json["connections"] == []
    assert caller.call("DELETE", f"/connections/{ids[0]}").status_code == 204
    assert caller.get("/connections?open=true").json["connections"][0]["end"] is None


def test_a_connection_to_a_server_has_no_session(
    program: MakeProgram, alice: Actor, services: Services
) -> None:
    open_to_server(services, alice)
    (one,) = program(alice).get("/connections").json["connections"]
    assert (one["session_sub"], one["target"], one["target_kind"]) == (None, "server-1", "server")


def test_a_person_is_made_signs_in_is_suspended_and_let_in_again(
    app: Flask, program: MakeProgram, root: Actor
) -> None:
    admin = program(root, ["admin"])
    made = admin.post("/people", {"name": "Erin", "password": PASSWORD})
    assert made.status_code == 201, made.text
    assert (made.json["name"], made.headers["Location"]) == ("erin", "/api/v1/people/erin")
    assert admin.post("/people", {"name": "erin", "password": PASSWORD}).status_code == 422
    assert Browser(app.test_client()).sign_in("erin").status_code == 303
    assert admin.call("PUT", "/people/erin/role", {"role": "auditor"}).json["role"] == "auditor"
    assert admin.get("/people/erin").json["role"] == "auditor"
    assert admin.call("PUT", "/people/erin/role", {"role": "king"}).status_code == 422
    own = admin.call("PUT", "/people/root/role", {"role": "person"})
    assert (own.status_code, own.json["reason"]) == (409, "oneself")
    assert admin.post("/people/erin/suspend").json["suspended_at"]
    assert Browser(app.test_client()).sign_in("erin").status_code == 401
    assert admin.post("/people/erin/restore").json["suspended_at"] is None
    assert Browser(app.test_client()).sign_in("erin").status_code == 303
    names = [one["name"] for one in admin.get("/people?limit=1").json["people"]]
    after = admin.get("/people?cursor=" + admin.get("/people?limit=1").json["next_cursor"]).json
    assert names + [one["name"] for one in after["people"]] == ["erin", "root"]
    assert PASSWORD not in admin.get("/people").text


def test_keys_are_made_used_and_revoked(app: Flask, program: MakeProgram, root: Actor) -> None:
    admin = program(root, ["admin"])
    wish = {"name": "made", "scopes": ["read"], "expires_at": "2026-03-03T00:00:00Z"}
    made = admin.post("/keys", wish).json
    user = Program(app, made["key"])
    assert user.get("/me").json == {"name": "root", "scopes": ["read"], "key": made["id"]}
    listed = user.get("/keys")
    assert {one["name"] for one in listed.json["keys"]} == {"made", "key 0"}
    assert made["key"] not in listed.text
    assert admin.call("DELETE", f"/keys/{made['id']}").status_code == 204
    assert user.get("/me").status_code == 401
    past = {**wish, "expires_at": "2020-01-01T00:00:00Z"}
    assert admin.post("/keys", past).json["errors"][0]["pointer"] == "/expires_at"


def test_the_audit_log_names_the_key_that_acted(
    program: MakeProgram, alice: Actor, root: Actor, xfce: str
) -> None:
    made = program(alice).post("/sessions").json["session_sub"]
    admin = program(root, ["admin"])
    (entry,) = admin.get(f"/audit?subject={made}").json["entries"]
    assert (entry["action"], entry["person"]) == ("desktop.launch", "alice")
    assert len(entry["key"]) == 8
    first = admin.get("/audit?limit=1").json
    second = admin.get(f"/audit?limit=1&cursor={first['next_cursor']}").json
    assert second["entries"][0]["id"] < first["entries"][0]["id"]
    assert admin.get("/audit?since=2026-03-03T00:00:00Z").json["entries"] == []


def test_numbers(program: MakeProgram, root: Actor, ready: str) -> None:
    numbers = program(root, ["admin"]).get("/metrics").json
    assert numbers["sessions"] == {"ready": 1}
    assert (numbers["launches_today"], numbers["people"]) == (1, 2)
    assert sum(hour["built"] for hour in numbers["hours"]) == 1


def test_cleaning_up_says_what_it_did(
    program: MakeProgram,
    root: Actor,
    ready: str,
    worker: WorkerServices,
    node: FakeNode,
    clock: SteppingClock,
) -> None:
    admin = program(root, ["admin"])
    node.put(30500, Mark("tests", "desktop-00000000"))
    asked = admin.post("/cleanup")
    assert (asked.status_code, asked.json["status"]) == (202, "asked")
    assert admin.post("/cleanup").json["cleanup"] == asked.json["cleanup"]
    clock.step(minutes=31)
    assert Worker(worker).run_once()
    done = admin.get(asked.headers["Location"].removeprefix("/api/v1")).json
    assert done["status"] == "done", done
    assert ("desktop.expire", ready) in {(one["action"], one["subject"]) for one in done["did"]}
    assert "desktop-00000000" in {one["session_sub"] for one in done["differences"]}
    assert admin.post("/cleanup").json["cleanup"] != asked.json["cleanup"]
