"""Programs that were written for the older services: their paths and fields on today's rules."""

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import MakeProgram, Program
from tests.fakes import FailingProvisioner, FakeNode
from tests.portal import SteppingClock
from tests.warm import add_warm
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.services.audit.record import Actor

SESSIONS = "/api/winux/sessions"


def is_refused(answer: TestResponse, status: int, slug: str) -> bool:
    """Whether it is a problem document that an older program understands, too."""
    body = answer.json
    assert body is not None
    assert (answer.status_code, body["type"].rpartition("/")[2]) == (status, slug)
    assert answer.content_type == "application/problem+json"
    assert body["error"] == body["detail"]
    return body["success"] is False


def test_a_session_is_launched_followed_listed_and_removed(
    program: MakeProgram, alice: Actor, xfce: str, worker: WorkerServices
) -> None:
    caller = program(alice)
    made = caller.post(SESSIONS, {"duration_minutes": 20})
    assert (made.status_code, made.json["success"]) == (201, True)
    session = made.json["session"]
    assert session == {
        "session_id": session["session_id"],
        "container_id": 30001,
        "container_ip": "10.203.0.64",
        "rdp_port": 3389,
        "rdp_username": "desktop",
        "status": "creating",
        "created_at": "2026-03-02T09:00:00Z",
        "expires_at": "2026-03-02T09:20:00Z",
        "duration_minutes": 20,
        "remaining_seconds": 1200,
        "page": f"/desktops/{session['session_id']}",
        "rdp_password": None,
    }
    here = made.headers["Location"]
    assert here == f"{SESSIONS}/{session['session_id']}"
    assert caller.get(here).json["session"]["status"] == "creating"
    assert worker.builder.build_one()
    active = caller.get(here).json
    assert (active["success"], active["session"]["status"]) == (True, "active")
    listed = caller.get(SESSIONS).json
    assert listed == {"success": True, "sessions": [active["session"]]}
    removed = caller.call("DELETE", here)
    assert (removed.status_code, removed.json["success"]) == (200, True)
    assert caller.get(SESSIONS).json["sessions"] == []
    assert caller.get(here).json["session"]["status"] == "stopping"
    assert worker.teardown.teardown_one()
    assert is_refused(caller.get(here), 404, "not-found")
    assert caller.call("DELETE", here).status_code == 200


def test_the_time_that_is_left_is_counted_down(
    program: MakeProgram, alice: Actor, ready: str, clock: SteppingClock
) -> None:
    clock.step(minutes=10)
    session = program(alice).get(f"{SESSIONS}/{ready}").json["session"]
    assert (session["duration_minutes"], session["remaining_seconds"]) == (30, 1200)
    assert session["expires_at"] == "2026-03-02T09:30:00Z"


def test_a_warm_desktop_comes_with_its_password_and_no_other_answer_has_it(
    program: MakeProgram, alice: Actor, services: Services, xfce: str
) -> None:
    (warm,) = add_warm(services)
    caller = program(alice)
    session = caller.post(SESSIONS).json["session"]
    assert (session["session_id"], session["status"]) == (warm, "active")
    password = session["rdp_password"]
    assert len(password) >= 16
    acts = [entry.action for entry, _ in services.reports.activity(warm)]
    assert "desktop.reveal_password" in acts
    assert password not in caller.get(SESSIONS).text + caller.get(f"{SESSIONS}/{warm}").text


def test_a_launch_that_is_repeated_with_one_key_happens_once(
    program: MakeProgram, alice: Actor, xfce: str
) -> None:
    caller = program(alice)
    first = caller.post(SESSIONS, Idempotency_Key="one")
    again = caller.post(SESSIONS, Idempotency_Key="one")
    assert again.json["session"]["session_id"] == first.json["session"]["session_id"]
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert len(caller.get(SESSIONS).json["sessions"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "bad-json"),
        (b"[]", 422, "invalid-input"),
        (b'{"duration_minutes": 0}', 422, "invalid-input"),
        (b'{"duration_minutes": "30"}', 422, "invalid-input"),
        (b'{"duration_minutes": 1000}', 422, "invalid-input"),
        (b'{"session_id": "winux-1"}', 422, "invalid-input"),
        (b'{"container_id": 30001}', 422, "invalid-input"),
        (b" " * (64 * 1024 + 1), 413, "too-large"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_launched(
    program: MakeProgram, alice: Actor, xfce: str, body: bytes, status: int, slug: str
) -> None:
    caller = program(alice)
    assert is_refused(caller.send(SESSIONS, body), status, slug)
    assert caller.get(SESSIONS).json["sessions"] == []


@pytest.mark.parametrize("path", ["/nothing", "/sessions/x", "/sessions/desktop-00000000"])
def test_what_is_not_there_is_a_problem_document(
    program: MakeProgram, alice: Actor, path: str
) -> None:
    assert is_refused(program(alice).get(f"/api/winux{path}"), 404, "not-found")


def test_another_persons_session_is_not_found_and_goes_on(
    program: MakeProgram, bob: Actor, ready: str, alice: Actor
) -> None:
    stranger = program(bob)
    assert is_refused(stranger.get(f"{SESSIONS}/{ready}"), 404, "not-found")
    assert is_refused(stranger.call("DELETE", f"{SESSIONS}/{ready}"), 404, "not-found")
    assert stranger.get(SESSIONS).json["sessions"] == []
    assert program(alice).get(f"{SESSIONS}/{ready}").json["session"]["status"] == "active"


def test_an_administrators_key_lists_the_sessions_of_all(
    program: MakeProgram, root: Actor, services: Services, ready: str
) -> None:
    add_warm(services)
    ids = [one["session_id"] for one in program(root, ["admin"]).get(SESSIONS).json["sessions"]]
    assert ids == [ready]


def test_the_limit_is_that_of_the_pages(program: MakeProgram, alice: Actor, ready: str) -> None:
    caller = program(alice)
    assert [caller.post(SESSIONS).status_code for _ in range(2)] == [201, 201]
    refused = caller.post(SESSIONS)
    assert is_refused(refused, 429, "limit-reached")
    assert refused.headers["Retry-After"]
    assert refused.json["running"][0]["session_sub"] == ready


def test_a_failed_session_says_so(
    program: MakeProgram, services: Services, alice: Actor, xfce: str
) -> None:
    caller = program(alice)
    here = caller.post(SESSIONS).headers["Location"]
    node = FakeNode()
    failing = bootstrap_worker.build_worker_services(
        services, "worker-2", provisioner=FailingProvisioner(node, "desktop_start"), hypervisor=node
    )
    assert failing.builder.build_one()
    assert caller.get(here).json["session"]["status"] in {"failed", "stopping"}
    assert caller.get(SESSIONS).json["sessions"] == []


def test_without_a_key_nothing_but_the_health_is_told(nobody: Program, xfce: str) -> None:
    assert is_refused(nobody.get(SESSIONS), 401, "unauthorized")
    assert is_refused(nobody.post(SESSIONS), 401, "unauthorized")
    assert is_refused(nobody.post("/api/winux/cleanup"), 401, "unauthorized")


def test_the_health_is_that_of_the_site(
    nobody: Program, xfce: str, worker: WorkerServices, clock: SteppingClock
) -> None:
    ill = nobody.get("/api/winux/health")
    assert is_refused(ill, 503, "unavailable")
    assert ill.headers["Retry-After"]
    assert "worker" not in ill.text
    worker.heartbeat.beat()
    well = nobody.get("/api/winux/health")
    assert (well.status_code, well.json["success"], well.json["status"]) == (200, True, "healthy")
    assert well.json["timestamp"] == "2026-03-02T09:00:00Z"
    assert set(well.json) == {"success", "status", "message", "timestamp"}


def test_a_cleanup_is_requested_and_its_result_is_in_the_other_api(
    program: MakeProgram, root: Actor, worker: WorkerServices
) -> None:
    caller = program(root, ["admin"])
    asked = caller.post("/api/winux/cleanup")
    assert (asked.status_code, asked.json["success"]) == (202, True)
    where = asked.headers["Location"]
    assert where == f"/api/v1/cleanup/{asked.json['cleanup']}"
    assert caller.get(where).json["status"] == "asked"
    assert worker.cleanups.do_one(lambda: None)
    assert caller.get(where).json["status"] == "done"


def test_a_cleanup_needs_an_administrators_key(program: MakeProgram, alice: Actor) -> None:
    assert is_refused(program(alice).post("/api/winux/cleanup"), 403, "scope")


def test_a_wrong_method_or_form_is_told_in_the_same_way(program: MakeProgram, alice: Actor) -> None:
    wrong = program(alice).call("PUT", SESSIONS)
    assert is_refused(wrong, 405, "method-not-allowed")
    assert wrong.headers["Allow"]
    form = program(alice).send(SESSIONS, b"duration_minutes=5", "application/x-www-form-urlencoded")
    assert is_refused(form, 415, "unsupported-media-type")


def test_the_other_api_keeps_its_own_form(program: MakeProgram, alice: Actor) -> None:
    assert "success" not in program(alice).get("/api/v1/sessions/desktop-00000000").json
