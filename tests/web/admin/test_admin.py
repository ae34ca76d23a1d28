"""The administrators' pages: find, sort, show why one failed, extend, stop one or many."""

import pytest
from sqlalchemy import select

from tests.fakes import FailingProvisioner, FakeNode
from tests.portal import PASSWORD, SteppingClock
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import launch, row
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import EndReason, State
from webapp.models import Desktop
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.guest_troubles import note_bad_answer, note_good_answer


@pytest.fixture
def roots(browse: Browse, root: Actor) -> Browser:
    return browse("root")


def fail_one(services: Services, node: FakeNode) -> None:
    bootstrap_worker.build_worker_services(
        services,
        "worker-2",
        provisioner=FailingProvisioner(node, "desktop_clone"),
        hypervisor=node,
    ).builder.build_one()


def test_the_overview_says_what_is_wrong_and_what_goes_on(
    roots: Browser, services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    assert "No worker is running" in roots.sees("/admin/")
    public_id = launch(services, alice)
    assert "1 Being made" in roots.sees("/admin/")
    fail_one(services, node)
    page = roots.sees("/admin/")
    assert "1 Failed today" in page
    assert f"{public_id} alice" in page
    assert "The storage is full." in page


def test_why_one_failed_is_shown_with_the_last_lines_of_the_run(
    roots: Browser, services: Services, alice: Actor, xfce: str, node: FakeNode
) -> None:
    public_id = launch(services, alice)
    fail_one(services, node)
    page = roots.sees(f"/admin/desktops/{public_id}")
    assert "Why it failed The storage is full." in page
    assert "line 1 line 2" in page
    assert public_id in roots.sees("/admin/desktops/?state=failed")


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("alice", True),
        ("ALI", True),
        ("10.203.0.64", True),
        ("30001", True),
        ("bob", False),
        ("%", False),
        ("_", False),
        ("' OR '1'='1", False),
        ("<script>alert(1)</script>", False),
        ("x" * 5000, False),
    ],
)
def test_desktops_are_found_by_what_is_typed(
    roots: Browser, ready: str, query: str, is_found: bool
) -> None:
    page = roots.get("/admin/desktops/", query_string={"q": query})
    assert page.status_code == 200
    assert (ready in page.text) == is_found
    assert "<script>alert" not in page.text


def test_the_list_is_sorted_as_asked(
    roots: Browser,
    services: Services,
    alice: Actor,
    bob: Actor,
    xfce: str,
    clock: SteppingClock,
) -> None:
    first = launch(services, bob)
    clock.step(minutes=1)
    second = launch(services, alice)

    def order(sort: str) -> list[str]:
        page = roots.sees(f"/admin/desktops/?sort={sort}")
        return sorted([first, second], key=page.index)

    assert order("-created") == [second, first]
    assert order("created") == [first, second]
    assert order("owner") == [second, first]
    assert order("-owner") == [first, second]
    assert order("-password_locked") == order("-created"), "only the list's columns sort"


def test_states_are_chosen_by_chips(roots: Browser, services: Services, ready: str) -> None:
    assert ready in roots.sees("/admin/desktops/")
    assert ready in roots.sees("/admin/desktops/?state=ready")
    assert ready not in roots.sees("/admin/desktops/?state=ended")
    assert ready in roots.sees("/admin/desktops/?state=nonsense")
    assert "No desktop matches" in roots.sees("/admin/desktops/?state=making")


def test_a_desktop_that_answers_badly_is_marked_until_it_answers_well(
    roots: Browser, services: Services, ready: str
) -> None:
    assert ready not in roots.sees("/admin/desktops/?state=marked")
    assert roots.sees("/admin/desktops/").count("Invalid answers") == 1, "the choice alone"
    with services.db.begin() as session:
        one = session.scalars(select(Desktop).where(Desktop.public_id == ready)).one()
        note_bad_answer(one, OutsideFailed("It said <b>nonsense</b>.", retry=True), services.clock)
    assert ready in roots.sees("/admin/desktops/?state=marked")
    assert "Ready Invalid answers" in roots.sees("/admin/desktops/")
    assert "<b>nonsense" not in roots.get("/admin/desktops/").text
    assert answering_badly(services) == 1
    with services.db.begin() as session:
        one = session.scalars(select(Desktop).where(Desktop.public_id == ready)).one()
        note_good_answer(one)
    assert ready not in roots.sees("/admin/desktops/?state=marked")
    assert answering_badly(services) == 0


def test_what_has_ended_is_marked_no_more(
    roots: Browser, services: Services, alice: Actor, ready: str, worker: WorkerServices
) -> None:
    with services.db.begin() as session:
        one = session.scalars(select(Desktop).where(Desktop.public_id == ready)).one()
        note_bad_answer(one, OutsideFailed("It did not answer.", retry=True), services.clock)
    services.lifetime.stop(alice, ready)
    assert worker.teardown.teardown_one()
    assert row(services, ready).guest_failures
    assert ready not in roots.sees("/admin/desktops/?state=marked")
    assert roots.sees("/admin/desktops/?state=all").count("Invalid answers") == 1
    assert answering_badly(services) == 0


def answering_badly(services: Services) -> float:
    families = {family.metric.name: family for family in services.metrics.collect()}
    return families["winux_desktops_answering_badly"].samples[0].value


def test_pages_of_many(roots: Browser, services: Services, xfce: str) -> None:
    for number in range(30):
        person = services.accounts.add_person(SYSTEM, f"p{number}", PASSWORD)
        launch(services, Actor(person))
    assert "1–25 of 30" in roots.sees("/admin/desktops/")
    assert "26–30 of 30" in roots.sees("/admin/desktops/?page=2")


def test_an_administrator_extends_and_stops_somebodys_desktop(
    roots: Browser, browse: Browse, services: Services, alice: Actor, ready: str
) -> None:
    before = row(services, ready).deadline_at
    roots.post(f"/admin/desktops/{ready}/extend", minutes="10")
    after = row(services, ready).deadline_at
    assert before
    assert after
    assert before < after
    assert f"Stop {ready}?" in roots.sees(f"/admin/desktops/{ready}/stop")
    roots.post(f"/admin/desktops/{ready}/stop")
    assert row(services, ready).end_reason == EndReason.ADMIN
    # The owner sees that an administrator did it, not which one.
    page = browse("alice").sees(f"/desktops/{ready}")
    assert "an administrator" in page
    assert "root" not in page


def test_many_are_stopped_at_once_after_being_named(
    roots: Browser, services: Services, alice: Actor, bob: Actor, ready: str
) -> None:
    other = launch(services, bob)
    question = roots.post("/admin/desktops/stop/confirm", desktop=[ready, other])
    assert "Stop 2 desktops?" in words(question)
    assert {one for one in (ready, other) if one in question.text} == {ready, other}
    assert row(services, ready).state == State.READY
    roots.post("/admin/desktops/stop", desktop=[ready, other, "desktop-00000000"])
    assert {row(services, one).state for one in (ready, other)} == {State.STOPPING}
    assert "2 desktops are being stopped." in roots.sees("/admin/desktops/")


def test_nothing_ticked_is_said(roots: Browser, ready: str) -> None:
    assert roots.post("/admin/desktops/stop/confirm").status_code == 303
    assert "Tick the desktops" in roots.sees("/admin/desktops/")


def test_others_get_a_page_that_says_whose_this_is(browse: Browse, alice: Actor) -> None:
    answer = browse("alice").get("/admin/")
    assert answer.status_code == 403
    assert "Your role does not allow this" in words(answer)
    assert "Admin" not in browse("alice").sees("/")
