"""The administrators' pages of the pools."""

import pytest

from tests.fakes import FailingProvisioner, FakeNode
from tests.portal import SteppingClock, publish_template
from tests.warm import add_warm
from tests.web.conftest import Browse, Browser, words
from tests.worker.life import launch, row
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.domain.states import EndReason, State
from webapp.services.audit.record import Actor


@pytest.fixture
def roots(browse: Browse, root: Actor) -> Browser:
    return browse("root")


def set_numbers(roots: Browser, **changes: str) -> str:
    numbers = {"min": "0", "target": "2", "max": "4", "max_age_minutes": "720"}
    assert roots.post("/admin/pool/xfce", **(numbers | changes)).status_code == 303
    return roots.sees("/admin/pool/xfce")


def test_without_templates_the_page_says_what_to_do(roots: Browser) -> None:
    assert "There is no template yet" in roots.sees("/admin/pool/")


def test_a_template_without_a_pool_says_so(roots: Browser, xfce: str) -> None:
    assert "No pool: each desktop is built when a person launches it." in roots.sees("/admin/pool/")
    assert "The pool is empty" in roots.sees("/admin/pool/xfce")
    assert roots.get("/admin/pool/nothing").status_code == 404


def test_a_pool_is_set_and_seen_to_fill(
    roots: Browser, services: Services, xfce: str, worker: WorkerServices
) -> None:
    page = set_numbers(roots)
    assert "Saved." in page
    assert "0 Ready at once 0 Being made 2 Wanted" in page
    assert "Why 2 The target." in page
    worker.pools.keep()
    assert "0 Ready at once 2 Being made 2 Wanted" in roots.sees("/admin/pool/xfce")
    while worker.builder.build_for_pool_one():
        pass
    page = words(roots.live("/admin/pool/xfce/live"))
    assert "2 Ready at once 0 Being made 2 Wanted" in page
    assert "lab / 30001" in page
    assert "All wanted desktops are ready." in roots.sees("/admin/pool/")
    assert "XFCE" in words(roots.live("/admin/pool/live"))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"target": "5"}, "cannot be more than the target"),
        ({"min": "-1"}, "is not a whole number"),
        ({"max": "100000"}, "from 0 to 1000"),
        ({"max_age_minutes": "x"}, "is not a whole number"),
        ({"max_age_minutes": "1"}, "from 5 to 40320"),
        ({"target": "<b>2</b>"}, "is not a whole number"),
    ],
)
def test_wrong_numbers_are_refused_and_change_nothing(
    roots: Browser, services: Services, xfce: str, changes: dict[str, str], complaint: str
) -> None:
    set_numbers(roots)
    assert complaint in set_numbers(roots, **changes)
    assert services.pools.one("xfce").template.pool.target == 2


def test_the_age_and_version_of_each_warm_desktop_are_shown(
    roots: Browser, services: Services, xfce: str, clock: SteppingClock
) -> None:
    set_numbers(roots, max_age_minutes="60")
    add_warm(services, template_version="0")
    fresh = add_warm(services)[0]
    page = roots.sees("/admin/pool/xfce")
    assert "older version" in page
    assert f"{fresh} In the pool 1 minute ago 1 lab / 30002 –" in page
    clock.step(minutes=90)
    assert "too old, being replaced" in roots.sees("/admin/pool/xfce")


def test_failing_builds_are_told_with_the_next_try(
    roots: Browser, services: Services, xfce: str, node: FakeNode
) -> None:
    set_numbers(roots)
    failing = bootstrap_worker.build_worker_services(
        services, "w", provisioner=FailingProvisioner(node, "desktop_clone"), hypervisor=node
    )
    failing.pools.keep()
    assert failing.builder.build_for_pool_one()
    page = roots.sees("/admin/pool/xfce")
    assert "The last builds failed. The next try is in 30 s. Why they failed" in page
    assert "The last builds failed." in roots.sees("/admin/pool/")


def test_draining_asks_first_and_leaves_peoples_desktops_alone(
    roots: Browser, services: Services, alice: Actor, ready: str, clock: SteppingClock
) -> None:
    warm = add_warm(services, 2)
    question = words(roots.live("/admin/pool/xfce/drain"))
    assert "Drain the pool of XFCE?" in question
    assert {row(services, one).state for one in warm} == {State.WARM}
    assert "Drain the pool of XFCE?" in roots.sees("/admin/pool/xfce/drain")
    roots.post("/admin/pool/xfce/drain")
    assert "2 desktops are being removed." in roots.sees("/admin/pool/xfce")
    assert {row(services, one).state for one in warm} == {State.STOPPING}
    assert {row(services, one).end_reason for one in warm} == {EndReason.POLICY}
    assert row(services, ready).state == State.READY


def test_weekly_and_dated_schedules_are_planned_shown_and_forgotten(
    roots: Browser, xfce: str
) -> None:
    """It is Monday 2 March 2026, 9:00."""
    set_numbers(roots, max="30")
    plan = {"desktops": "30", "begins": "10:00", "ends": "12:00"}
    roots.post("/admin/pool/xfce/schedules", **plan, weekday=["mon", "wed"], how="in_all")  # type: ignore[arg-type]  # a list of ticks
    roots.post("/admin/pool/xfce/schedules", **plan, on="2026-03-05", how="ready")
    page = roots.sees("/admin/pool/xfce")
    assert "30 in total Mon, Wed 10:00–12:00 Mon 2 Mar, 10:00" in page
    assert "30 always ready 5 Mar 2026 10:00–12:00 Thu 5 Mar, 10:00" in page
    roots.post("/admin/pool/schedules/1/remove")
    page = roots.sees("/admin/pool/xfce")
    assert "in total Mon" not in page
    assert roots.post("/admin/pool/schedules/1/remove").status_code == 404


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"weekday": "mon", "on": "2026-03-05"}, "days of the week or for one date"),
        ({}, "days of the week or for one date"),
        ({"on": "2026-03-01"}, "That time is over."),
        ({"weekday": "mon", "begins": "25:00"}, "is no time of day"),
        ({"weekday": "mon", "desktops": "5"}, "Raise the maximum first"),
        ({"weekday": "someday"}, "is no day of the week"),
        ({"weekday": "mon", "desktops": "many"}, "is not a whole number"),
    ],
)
def test_schedules_that_cannot_be_are_refused_with_the_reason(
    roots: Browser, services: Services, xfce: str, changes: dict[str, str], complaint: str
) -> None:
    set_numbers(roots)
    plan = {"desktops": "2", "begins": "10:00", "ends": "12:00"} | changes
    roots.post("/admin/pool/xfce/schedules", **plan)
    assert complaint in roots.sees("/admin/pool/xfce")
    assert services.pools.one("xfce").schedules == []


def test_what_administrators_did_is_in_the_audit_log(
    roots: Browser, services: Services, xfce: str, root: Actor
) -> None:
    set_numbers(roots)
    roots.post(
        "/admin/pool/xfce/schedules", desktops="2", begins="8:00", ends="9:00", weekday="tue"
    )
    entries = [
        (entry.action, entry.subject, entry.detail, name)
        for entry, name in services.reports.latest_audit()
        if entry.action.startswith("pool.")
    ]
    assert entries == [
        ("pool.schedule", "xfce", "2 ready, tue 08:00-09:00", "root"),
        (
            "pool.set",
            "xfce",
            "minimum 0, target 2, maximum 4, at most 720 min old",
            "root",
        ),
    ]


def test_several_templates_are_listed_by_name(
    roots: Browser, services: Services, xfce: str
) -> None:
    publish_template(services, "mate")
    page = roots.sees("/admin/pool/")
    assert page.index("MATE") < page.index("XFCE")


def test_a_launch_takes_from_the_pool_and_the_page_shows_the_gap(
    roots: Browser, services: Services, alice: Actor, xfce: str
) -> None:
    set_numbers(roots)
    add_warm(services, 2)
    launch(services, alice)
    assert "Being filled: 1 of 2 are ready." in roots.sees("/admin/pool/")
