"""A session's life over the API: launch, follow, list, extend, connect, stop."""

import pytest

from tests.api.conftest import MakeProgram, Program
from tests.portal import SteppingClock
from tests.warm import add_warm
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.services.audit.record import SYSTEM, Actor


def test_a_queued_launch_is_followed_by_its_location(
    program: MakeProgram, alice: Actor, xfce: str, worker: WorkerServices
) -> None:
    caller = program(alice)
    answer = caller.post("/sessions", {"template": "xfce", "duration_minutes": 20})
    assert (answer.status_code, answer.json["status"]) == (202, "queued")
    assert answer.json["rdp_password"] is None
    assert answer.json["progress"]["percent"] == 0
    here = answer.headers["Location"].removeprefix("/api/v1")
    assert worker.builder.build_one()
    session = caller.get(here).json
    assert (session["status"], session["progress"]) == ("ready", None)
    assert session["expires_at"] == "2026-03-02T09:20:00Z"
    assert "rdp_password" not in session
    shown = caller.post(f"{here}/credentials").json
    assert len(shown["rdp_password"]) >= 16
    assert shown["rdp_username"] == "desktop"


def test_a_warm_desktop_is_theirs_at_once_with_its_password(
    program: MakeProgram, alice: Actor, services: Services, xfce: str
) -> None:
    add_warm(services)
    answer = program(alice).post("/sessions")
    assert (answer.status_code, answer.json["status"]) == (201, "ready")
    assert len(answer.json["rdp_password"]) >= 16
    acts = [entry.action for entry, _ in services.reports.activity(answer.json["session_sub"])]
    assert "desktop.reveal_password" in acts


def test_reuse_answers_with_the_one_that_runs(
    program: MakeProgram, alice: Actor, ready: str
) -> None:
    answer = program(alice).post("/sessions", {"template": "xfce", "reuse": True})
    assert (answer.status_code, answer.json["session_sub"]) == (200, ready)
    assert answer.json["is_reused"]
    assert answer.json["rdp_password"]


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [({"duration_hours": 0.5}, 30), ({"duration_hours": 2}, 120), ({"duration_minutes": 7}, 7)],
)
def test_durations(
    program: MakeProgram,
    alice: Actor,
    xfce: str,
    worker: WorkerServices,
    duration: dict[str, float],
    minutes: int,
) -> None:
    caller = program(alice)
    made = caller.post("/sessions", duration).json
    assert worker.builder.build_one()
    session = caller.get(f"/sessions/{made['session_sub']}").json
    hours, rest = divmod(minutes, 60)
    assert session["expires_at"] == f"2026-03-02T{9 + hours:02}:{rest:02}:00Z"


def test_the_limit_says_what_runs_and_the_ways_out_work(
    program: MakeProgram, alice: Actor, ready: str, clock: SteppingClock
) -> None:
    caller = program(alice)
    clock.step(minutes=5)
    others = [caller.post("/sessions").json["session_sub"] for _ in range(2)]
    refused = caller.post("/sessions")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == str(25 * 60 + 1)
    problem = refused.json
    assert problem["type"].endswith("/api/v1/problems/limit-reached")
    assert [one["session_sub"] for one in problem["running"]] == [ready, *others]
    assert [one["age_seconds"] for one in problem["running"]] == [300, 0, 0]
    assert problem["suggested_actions"][:3] == [
        "reuse_existing",
        "close_oldest",
        f"close_session:{ready}",
    ]
    assert problem["can_reuse"]
    assert problem["reusable_session_id"] in {ready, *others}
    assert caller.post("/sessions", {"reuse": True}).status_code == 200
    made = caller.post("/sessions", {"make_room": "close_oldest"})
    assert made.status_code == 202
    assert caller.get(f"/sessions/{ready}").json["status"] == "stopping"


def test_lists_go_on_where_they_ended(
    program: MakeProgram, alice: Actor, bob: Actor, root: Actor, xfce: str, clock: SteppingClock
) -> None:
    theirs = {name: program(who) for name, who in {"alice": alice, "bob": bob}.items()}
    made = []
    for owner in ("alice", "bob", "alice", "bob", "alice"):
        clock.step(minutes=1)
        made.append(theirs[owner].post("/sessions").json["session_sub"])
    admin = program(root, ["admin"])
    for sort in ("launched_at", "expires_at", "status"):
        assert walk(admin, f"limit=2&sort={sort}") == made[::-1]
        assert walk(admin, f"limit=2&sort={sort}&descending=false") == made
    assert walk(admin, "limit=1&owner=bob") == [made[3], made[1]]
    assert walk(admin, "mine=true") == []
    assert walk(admin, "status=ready") == []
    assert walk(admin, "status=ready,queued&limit=4") == made[::-1]
    assert walk(theirs["alice"], "limit=1") == [made[4], made[2], made[0]]
    assert walk(theirs["alice"], "owner=bob") == []


def walk(program: Program, query: str) -> list[str]:
    """Return a complete list, page by page, by the Link header."""
    found: list[str] = []
    path = f"/sessions?{query}"
    while True:
        page = program.get(path)
        assert page.status_code == 200, page.json
        found += [one["session_sub"] for one in page.json["sessions"]]
        link = page.headers.get("Link")
        assert bool(link) is bool(page.json["next_cursor"])
        if not link:
            return found
        path = link.partition(">")[0].removeprefix("</api/v1")


def test_a_cursor_of_another_list_is_refused(program: MakeProgram, alice: Actor, xfce: str) -> None:
    caller = program(alice)
    for _ in range(2):
        caller.post("/sessions")
    cursor = caller.get("/sessions?limit=1").json["next_cursor"]
    for bad in (f"sort=status&cursor={cursor}", "cursor=bm90", "cursor=%00", f"cursor={cursor}x"):
        assert caller.get(f"/sessions?{bad}").status_code == 422, bad


def test_two_who_extend_at_once_do_not_both(program: MakeProgram, alice: Actor, ready: str) -> None:
    caller = program(alice)
    seen = caller.get(f"/sessions/{ready}").headers["ETag"]
    first = caller.post(f"/sessions/{ready}/extend", {"minutes": 10}, If_Match=seen)
    assert (first.status_code, first.json["expires_at"]) == (200, "2026-03-02T09:40:00Z")
    second = caller.post(f"/sessions/{ready}/extend", {"minutes": 10}, If_Match=seen)
    assert second.status_code == 412
    assert second.json["type"].endswith("/precondition-failed")
    fresh = first.headers["ETag"]
    assert caller.get(f"/sessions/{ready}", If_None_Match=fresh).status_code == 304
    again = caller.post(f"/sessions/{ready}/extend", {"minutes": 10}, If_Match=fresh)
    assert again.json["expires_at"] == "2026-03-02T09:50:00Z"
    assert caller.call("DELETE", f"/sessions/{ready}", If_Match=seen).status_code == 412


@pytest.mark.parametrize("tag", ['""', '"seen", ""', "W/", '"1", "2"', '"²"'])
def test_a_version_that_cannot_be_is_not_the_sessions(
    program: MakeProgram, alice: Actor, ready: str, tag: str
) -> None:
    answer = program(alice).post(f"/sessions/{ready}/stop", If_Match=tag)
    assert answer.status_code == 412
    assert program(alice).get(f"/sessions/{ready}").json["status"] == "ready"


def test_stopping_again_changes_nothing(program: MakeProgram, alice: Actor, ready: str) -> None:
    caller = program(alice)
    first = caller.post(f"/sessions/{ready}/stop")
    assert (first.status_code, first.json["status"]) == (200, "stopping")
    assert caller.call("DELETE", f"/sessions/{ready}").status_code == 204
    assert caller.post(f"/sessions/{ready}/stop").json["end_reason"] == "asked"
    assert caller.post(f"/sessions/{ready}/extend", {"minutes": 5}).status_code == 409


def test_a_session_is_paused_and_resumed(
    program: MakeProgram, services: Services, alice: Actor, ready: str, worker: WorkerServices
) -> None:
    caller = program(alice)
    refused = caller.post(f"/sessions/{ready}/pause")
    assert (refused.status_code, refused.json["title"]) == (409, "Pausing not allowed")
    services.catalogue.change(SYSTEM, "xfce", {"max_pause_minutes": 60})
    pausing = caller.post(f"/sessions/{ready}/pause").json
    assert (pausing["status"], pausing["paused_until"]) == ("pausing", "2026-03-02T10:00:00Z")
    assert [step["name"] for step in pausing["progress"]["steps"]] == ["desktop_pause"]
    assert worker.pauser.pause_one()
    for path in ("tickets", "credentials"):
        closed = caller.post(f"/sessions/{ready}/{path}")
        assert (closed.status_code, closed.json["title"]) == (409, "Session paused")
    assert caller.get(f"/sessions/{ready}").json["status"] == "paused"
    assert caller.post(f"/sessions/{ready}/resume").json["status"] == "resuming"
    assert worker.resumer.resume_one()
    session = caller.get(f"/sessions/{ready}").json
    assert (session["status"], session["paused_until"]) == ("ready", None)


def test_a_beacon_ends_it_only_if_its_owner_chose_that(
    program: MakeProgram,
    alice: Actor,
    ready: str,
    services: Services,
    clock: SteppingClock,
    worker: WorkerServices,
) -> None:
    caller = program(alice)
    assert caller.post(f"/sessions/{ready}/close-beacon").status_code == 204
    clock.step(seconds=30)
    assert not worker.idle.stop_some()
    chosen = caller.call("PUT", f"/sessions/{ready}/end-on-close", {"end_on_close": True})
    assert chosen.json["end_on_close"]
    assert caller.post(f"/sessions/{ready}/close-beacon").status_code == 204
    assert caller.post(f"/sessions/{ready}/heartbeat").json["end_on_close"]
    clock.step(seconds=30)
    assert not worker.idle.stop_some()
    caller.send(f"/sessions/{ready}/close-beacon", b"a beacon's text", "text/plain")
    clock.step(seconds=30)
    assert worker.idle.stop_some()


def test_the_file_for_rdp_programs(program: MakeProgram, alice: Actor, ready: str) -> None:
    caller = program(alice, ["read"])
    answer = caller.get(f"/sessions/{ready}/rdp-file")
    assert answer.content_type == "application/x-rdp"
    assert f"full address:s:{caller.get(f'/sessions/{ready}').json['address']}:3389" in answer.text


def test_the_events_are_where_the_gateway_is(
    program: MakeProgram, alice: Actor, ready: str
) -> None:
    links = program(alice).get(f"/sessions/{ready}").json["links"]
    assert links["events"] == f"http://127.0.0.1:8081/api/v1/sessions/{ready}/events"
    assert links["self"] == f"/api/v1/sessions/{ready}"


def test_a_desktop_of_the_pool_is_no_session(
    program: MakeProgram, root: Actor, services: Services, xfce: str
) -> None:
    (warm,) = add_warm(services)
    admin = program(root, ["admin"])
    assert admin.get(f"/sessions/{warm}").status_code == 404
    assert admin.get("/sessions").json["sessions"] == []
