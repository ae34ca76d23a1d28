"""The pages of the differences and of the doctor."""

import pytest
from flask import Flask

from tests.fakes import FakeNode
from tests.portal import SteppingClock
from tests.web.conftest import Browse, Browser
from tests.worker.life import row
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import State
from webapp.domain.upkeep.drift import ANSWERS
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.services.audit.record import Actor
from webapp.services.nodes.findings import MASS_WORDS
from webapp.services.upkeep.doctor import Doctor
from webapp.web.texts.differences import WORDS


@pytest.fixture
def roots(browse: Browse, root: Actor) -> Browser:
    return browse("root")


def test_where_both_sides_agree_the_page_says_so(roots: Browser) -> None:
    assert "Database and nodes agree" in roots.sees("/admin/differences/")


def test_what_differs_is_shown_with_since_when_and_what_is_done(
    roots: Browser,
    services: Services,
    worker: WorkerServices,
    node: FakeNode,
    clock: SteppingClock,
    ready: str,
) -> None:
    worker.reconciler.reconcile()
    node.put(30007, Mark("tests", "desktop-0badcafe"))
    node.change(30001, limit_mb=4096)
    clock.step(seconds=60)
    worker.reconciler.reconcile()
    page = roots.sees("/admin/differences/")
    assert "4096 MB memory instead of 1024" in page
    assert "desktop-0badcafe lab / 30007" in page
    assert "Destroyed at:" in page
    assert roots.live("/admin/differences/live").status_code == 200
    assert "2 differences to the nodes" in roots.sees("/admin/")
    clock.step(seconds=121)
    worker.reconciler.reconcile()
    page = roots.sees("/admin/differences/")
    assert "The container was destroyed." in page
    assert row(services, ready).state == State.READY


def test_why_something_cannot_be_removed_is_shown(
    roots: Browser, worker: WorkerServices, node: FakeNode, ready: str
) -> None:
    for vmid in range(30010, 30016):
        node.put(vmid, Mark("tests", f"desktop-{vmid:08x}"))
    worker.reconciler.reconcile()
    assert "too many containers are unknown" in roots.sees("/admin/differences/")


def test_the_doctors_page_shows_the_last_result_and_the_cure(
    roots: Browser, services: Services, clock: SteppingClock
) -> None:
    assert "No machine has been checked yet" in roots.sees("/admin/doctor/")

    class Grumbler:
        def examine(self) -> list[CheckResult]:
            return [
                CheckResult("clock", Health.GOOD, "They agree."),
                CheckResult("storage", Health.BAD, "It is stopped.", "Start it."),
            ]

    Doctor(services.db, clock, [Grumbler()]).examine_and_keep()
    Doctor(services.db, clock, [Grumbler()]).examine_and_keep()
    page = roots.sees("/admin/doctor/")
    assert page.count("It is stopped. Start it.") == 1
    assert "Broken storage" in page
    assert "1 part is broken" in roots.sees("/admin/")


def test_the_words_of_the_decision_table_are_marked(app: Flask) -> None:
    words = {word for one in ANSWERS.values() for word in (one.means, one.does, one.cure) if word}
    outcomes = {"It is over.", "It was there.", "The desktop ended as lost."}
    outcomes |= {"The container was destroyed.", MASS_WORDS}
    outcomes |= {"The desktop is paused.", "The desktop is resumed."}
    with app.test_request_context():
        assert {str(word) for word in WORDS} == words | outcomes
