"""A client without a response repeats the request; nothing is done twice."""

import threading

from flask import Flask
from sqlalchemy import select

from tests.api.conftest import MakeProgram, Program
from tests.portal import PASSWORD, SteppingClock
from tests.warm import add_warm
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import Desktop, Repeat
from webapp.services.audit.record import Actor


def test_a_launch_that_is_repeated_launches_once(
    program: MakeProgram, alice: Actor, xfce: str, worker: WorkerServices
) -> None:
    caller = program(alice)
    first = caller.post("/sessions", {"template": "xfce"}, Idempotency_Key="one")
    assert worker.builder.build_one()
    again = caller.post("/sessions", {"template": "xfce"}, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json["session_sub"] == first.json["session_sub"]
    assert (first.json["rdp_password"], len(again.json["rdp_password"])) == (None, 20)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    other = caller.post("/sessions", {"template": "xfce"}, Idempotency_Key="two")
    assert other.json["session_sub"] != first.json["session_sub"]


def test_another_body_with_the_same_key_is_refused(
    program: MakeProgram, alice: Actor, bob: Actor, xfce: str
) -> None:
    caller = program(alice)
    assert caller.post("/sessions", {}, Idempotency_Key="one").status_code == 202
    refused = caller.post("/sessions", {"template": "xfce"}, Idempotency_Key="one")
    assert refused.status_code == 422
    assert refused.json["type"].endswith("/idempotency-key-reused")
    assert program(bob).post("/sessions", {}, Idempotency_Key="one").status_code == 202


def test_a_key_is_forgotten_after_a_day(
    program: MakeProgram, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    caller = program(alice)
    first = caller.post("/sessions", Idempotency_Key="one").json["session_sub"]
    clock.step(hours=24, seconds=1)
    assert caller.post("/sessions", Idempotency_Key="one").json["session_sub"] != first


def test_what_was_refused_may_be_tried_again(
    program: MakeProgram, alice: Actor, xfce: str, worker: WorkerServices
) -> None:
    caller = program(alice)
    made = [caller.post("/sessions").json["session_sub"] for _ in range(3)]
    assert caller.post("/sessions", Idempotency_Key="one").status_code == 429
    caller.post(f"/sessions/{made[0]}/stop")
    assert worker.teardown.teardown_one()
    assert caller.post("/sessions", Idempotency_Key="one").status_code == 202


def test_an_extension_that_is_repeated_extends_once(
    program: MakeProgram, alice: Actor, ready: str
) -> None:
    caller = program(alice)
    ends = [
        caller.post(f"/sessions/{ready}/extend", {"minutes": 10}, Idempotency_Key="x").json
        for _ in range(2)
    ]
    assert {one["expires_at"] for one in ends} == {"2026-03-02T09:40:00Z"}


def test_the_text_of_a_key_is_told_once_and_kept_nowhere(
    app: Flask, program: MakeProgram, root: Actor, services: Services
) -> None:
    caller = program(root, ["admin"])
    wish = {"name": "made", "scopes": ["read"]}
    first = caller.post("/keys", wish, Idempotency_Key="one")
    again = caller.post("/keys", wish, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json["id"], again.json["key"]) == (first.json["id"], None)
    assert Program(app, first.json["key"]).get("/me").json["scopes"] == ["read"]
    person = {"name": "erin", "password": PASSWORD}
    assert caller.post("/people", person, Idempotency_Key="two").status_code == 201
    assert caller.post("/people", person, Idempotency_Key="two").json["name"] == "erin"
    with services.db.read() as session:
        kept = " ".join(
            str(value)
            for row in session.scalars(select(Repeat))
            for value in (row.reference, row.request_mark, row.token, row.key_hash)
        )
    assert first.json["key"] not in kept
    assert PASSWORD not in kept


def test_a_crash_between_launch_and_answer_launches_no_second_one(
    app: Flask,
    program: MakeProgram,
    alice: Actor,
    services: Services,
    clock: SteppingClock,
    xfce: str,
) -> None:
    caller = program(alice)
    lost = caller.post("/sessions", Idempotency_Key="one").json["session_sub"]
    with services.db.begin() as session:  # as a killed process leaves it
        session.scalars(select(Repeat)).one().status = None
    assert caller.post("/sessions", Idempotency_Key="one").status_code == 409
    clock.step(minutes=3)
    assert caller.post("/sessions", Idempotency_Key="one").json["session_sub"] == lost


def at_once(callers: list[Program], **headers: str) -> list[int]:
    """Return the statuses of launches that begin at the same moment."""
    line = threading.Barrier(len(callers))
    statuses: list[int] = []

    def launch(caller: Program) -> None:
        line.wait()
        statuses.append(caller.post("/sessions", **headers).status_code)

    threads = [threading.Thread(target=launch, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(statuses)


def launched(services: Services) -> int:
    with services.db.read() as session:
        return len(session.scalars(select(Desktop).where(Desktop.owner_id.is_not(None))).all())


def test_many_with_one_key_at_once_launch_one(
    app: Flask, services: Services, alice: Actor, xfce: str
) -> None:
    add_warm(services, 4)
    key = services.keys.make(alice, "many", ["launch"]).text
    statuses = at_once([Program(app, key) for _ in range(8)], Idempotency_Key="one")
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert launched(services) == 1


def test_many_at_once_get_no_more_than_the_limit(
    app: Flask, services: Services, alice: Actor, xfce: str
) -> None:
    add_warm(services, 4)
    key = services.keys.make(alice, "many", ["launch"]).text
    statuses = at_once([Program(app, key) for _ in range(8)])
    assert statuses == [201] * 3 + [429] * 5
    assert launched(services) == 3


def test_a_key_with_a_space_is_refused(program: MakeProgram, alice: Actor, xfce: str) -> None:
    assert program(alice).post("/sessions", Idempotency_Key="one two").status_code == 422
