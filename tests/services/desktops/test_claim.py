"""A launch takes a warm desktop if there is one: which one, and the result."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from tests.portal import PASSWORD, SteppingClock, make_environment, publish_template
from tests.refusals import refuses
from tests.warm import add_warm
from tests.worker.life import row
from webapp.adapters import migration
from webapp.adapters.database import SqlDatabase
from webapp.bootstrap import Services, build_services
from webapp.config import load
from webapp.domain.access import Internal
from webapp.domain.desktops.launch_limits import LimitReached
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.states import EndReason, Event, State, advance
from webapp.models import AuditEntry, Desktop, Node, Template
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.claim import take_warm
from webapp.services.desktops.launch import LaunchRequest

PLAIN = LaunchRequest()


@pytest.fixture
def small(tmp_path: Path, clock: SteppingClock) -> Iterator[Services]:
    """A site of four desktops."""
    environment = make_environment(tmp_path / "small", WINUX_MAX_DESKTOPS_TOTAL="4")
    services = build_services(load(environment), clock=clock)
    migration.migrate(services.db)
    publish_template(services)
    yield services
    services.db.close()


def password(services: Services, public_id: str) -> str:
    return services.vault.unlock(row(services, public_id).password_locked or b"")


def test_the_search_in_the_pool_reads_none_but_warm_desktops(services: Services, xfce: str) -> None:
    """The claim runs in the transaction that excludes other writers, whatever the history is."""
    assert isinstance(services.db, SqlDatabase)
    asked: list[tuple[str, Any]] = []
    event.listen(
        services.db.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, values, *_: asked.append((statement, values)),
    )
    with services.db.begin() as session:
        template = session.scalars(select(Template).where(Template.name == xfce)).one()
        asked.clear()
        assert take_warm(session, template, services.clock.now()) is None
        [(statement, values)] = asked
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        plan = [str(one[3]) for one in rows]
    index = "USING INDEX ix_desktops_template_state (template_id=? AND state=?)"
    assert f"SEARCH desktops {index}" in plan
    assert not any("TEMP B-TREE" in one for one in plan)


def test_the_one_that_was_warm_longest_is_the_persons_at_once(
    services: Services, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    oldest, _younger = add_warm(services, 2)
    before = password(services, oldest)
    assert (
        services.launcher.launch(alice, LaunchRequest(minutes=45, launch_token="a form")) == oldest
    )
    desktop = row(services, oldest)
    assert (desktop.state, desktop.owner_id) == (State.READY, alice.person_id)
    assert (desktop.launched_at, desktop.ready_at) == (clock.now(), clock.now())
    assert desktop.deadline_at == clock.now() + timedelta(minutes=45)
    assert desktop.deadline_told_at != desktop.deadline_at  # the worker sends the deadline to it
    assert services.credentials.reveal(alice, oldest).password == before
    with services.db.read() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "desktop.launch")
        ).one()
    assert (entry.subject, entry.detail) == (oldest, "xfce, 45 min, from the pool")


@pytest.mark.parametrize(
    "wish", [LaunchRequest(rdp_username="ada"), LaunchRequest(keyboard_layout="pl")], ids=str
)
def test_another_name_or_keyboard_has_to_be_set_first_and_brings_a_new_password(
    services: Services, alice: Actor, xfce: str, wish: LaunchRequest
) -> None:
    (warm,) = add_warm(services)
    before = password(services, warm)
    assert services.launcher.launch(alice, wish) == warm
    desktop = row(services, warm)
    assert (desktop.state, desktop.ready_at, desktop.deadline_at) == (State.ASSIGNING, None, None)
    assert desktop.rdp_username == (wish.rdp_username or "desktop")
    assert desktop.keyboard_layout == (wish.keyboard_layout or "us")
    assert password(services, warm) != before
    with refuses(Refused, match="is assigning"):
        services.credentials.reveal(alice, warm)


@pytest.mark.parametrize(
    "trouble",
    [
        {"template_version": "0"},
        {"template_version": None},
        {"worked_by": "a worker", "worked_until": "later"},
    ],
    ids=["older version", "unknown version", "in work"],
)
def test_such_a_warm_desktop_is_left_alone(
    services: Services,
    alice: Actor,
    xfce: str,
    clock: SteppingClock,
    trouble: dict[str, Any],
) -> None:
    if "worked_until" in trouble:
        trouble = {**trouble, "worked_until": clock.now() + timedelta(seconds=30)}
    (warm,) = add_warm(services, **trouble)
    launched = services.launcher.launch(alice, PLAIN)
    assert launched != warm
    assert row(services, launched).state == State.QUEUED
    assert (row(services, warm).state, row(services, warm).owner_id) == (State.WARM, None)


@pytest.mark.parametrize("event", [Event.BROKE, Event.STOP_REQUESTED])
def test_a_lost_or_drained_one_is_not_handed_over(
    services: Services, alice: Actor, xfce: str, clock: SteppingClock, event: Event
) -> None:
    (warm,) = add_warm(services)
    with services.db.begin() as session:
        advance(session.query(Desktop).filter_by(public_id=warm).one(), event, clock.now())
    assert services.launcher.launch(alice, PLAIN) != warm


def test_what_is_on_a_node_that_does_not_answer_waits_there(
    services: Services, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    away, here = add_warm(services, 1, node="away") + add_warm(services, 1, node="here")
    with services.db.begin() as session:
        session.add(Node(name="away", seen_at=clock.now(), is_online=False))
        session.add(Node(name="here", seen_at=clock.now(), is_online=True))
    assert services.reports.offers()[0].warm == 1
    assert services.launcher.launch(alice, PLAIN) == here
    assert services.launcher.launch(alice, PLAIN) != away
    with services.db.begin() as session:
        session.get_one(Node, "away").is_online = True
    assert services.launcher.launch(alice, PLAIN) == away


def test_a_dead_workers_lease_keeps_nobody_from_it(
    services: Services, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    past = clock.now() - timedelta(seconds=1)
    (warm,) = add_warm(services, worked_by="dead", worked_until=past)
    assert services.launcher.launch(alice, PLAIN) == warm


def test_another_templates_desktop_is_not_taken(
    services: Services, alice: Actor, xfce: str
) -> None:
    publish_template(services, "mate", vmid=29002)
    add_warm(services, template="mate")
    launched = services.launcher.launch(alice, LaunchRequest(template="xfce"))
    assert row(services, launched).state == State.QUEUED


def test_a_full_site_still_gives_what_is_warm(small: Services) -> None:
    carol = Actor(small.accounts.add_person(SYSTEM, "carol", PASSWORD))
    add_warm(small, 4)
    assert small.launcher.why_not(carol) is None
    assert row(small, small.launcher.launch(carol, PLAIN)).state == State.READY


def test_one_form_takes_one_warm_desktop(services: Services, alice: Actor, xfce: str) -> None:
    add_warm(services, 2)
    wish = LaunchRequest(launch_token="one form")
    assert len({services.launcher.launch(alice, wish) for _ in range(3)}) == 1


def test_nobody_sees_or_opens_a_warm_desktop(
    services: Services, alice: Actor, root: Actor, xfce: str
) -> None:
    (warm,) = add_warm(services)
    for who in (alice, root, SYSTEM, Actor(None, role=Internal.COMMAND_LINE)):
        with pytest.raises(NotFound):
            services.credentials.reveal(who, warm)
        with pytest.raises(NotFound):
            services.credentials.target(who, warm)
    with pytest.raises(NotFound):
        services.reports.desktop(alice, warm)
    with pytest.raises(NotFound):
        services.lifetime.stop(alice, warm)
    assert row(services, warm).state == State.WARM


def test_a_desktop_that_runs_is_given_again_to_who_asks_to_reuse(
    services: Services, alice: Actor, bob: Actor, xfce: str
) -> None:
    add_warm(services, 1)
    first = services.launcher.launch(alice, PLAIN)
    services.launcher.launch(alice, PLAIN)  # this one is queued
    again = LaunchRequest(reuse=True)
    assert services.launcher.launch(alice, again) == first
    assert services.launcher.launch(bob, again) != first


def test_reuse_without_a_running_one_of_the_template_launches(
    services: Services, alice: Actor, xfce: str
) -> None:
    publish_template(services, "mate", vmid=29002)
    mate = services.launcher.launch(alice, LaunchRequest(template="mate", reuse=True))
    assert services.launcher.launch(alice, LaunchRequest(template="xfce", reuse=True)) != mate


def test_a_templates_own_limit_holds_beside_the_persons(
    services: Services, alice: Actor, xfce: str
) -> None:
    publish_template(services, "mate", vmid=29002)
    services.catalogue.change(SYSTEM, "mate", {"max_per_person": 1})
    mate = services.launcher.launch(alice, LaunchRequest(template="mate"))
    with refuses(LimitReached, match="1 of 1 MATE") as refused:
        services.launcher.launch(alice, LaunchRequest(template="mate"))
    assert [one.public_id for one in refused.value.running] == [mate]
    services.launcher.launch(alice, LaunchRequest(template="xfce"))
    services.catalogue.change(SYSTEM, "mate", {"max_per_person": 0})  # back to no limit of its own
    services.launcher.launch(alice, LaunchRequest(template="mate"))


def launch_three(services: Services, actor: Actor, clock: SteppingClock) -> list[str]:
    ids = []
    for _ in range(3):
        ids.append(services.launcher.launch(actor, PLAIN))
        clock.step(minutes=5)
    return ids


def test_the_oldest_makes_room(
    services: Services, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    oldest, *others = launch_three(services, alice, clock)
    new = services.launcher.launch(alice, LaunchRequest(make_room="close_oldest"))
    stopped = row(services, oldest)
    assert (stopped.state, stopped.end_reason) == (State.STOPPING, EndReason.ASKED)
    assert {row(services, one).state for one in [new, *others]} == {State.QUEUED}


def test_that_one_makes_room_once_however_often_the_form_is_sent(
    services: Services, alice: Actor, xfce: str, clock: SteppingClock
) -> None:
    _oldest, middle, _newest = launch_three(services, alice, clock)
    wish = LaunchRequest(make_room=f"close_session:{middle}", launch_token="one form")
    assert len({services.launcher.launch(alice, wish) for _ in range(3)}) == 1
    states = [one.state for one in services.reports.live_desktops(alice.person_id or 0)]
    assert sorted(states) == [State.QUEUED] * 3 + [State.STOPPING]


def test_while_there_is_room_nothing_is_stopped(
    services: Services, alice: Actor, xfce: str
) -> None:
    running = services.launcher.launch(alice, PLAIN)
    services.launcher.launch(alice, LaunchRequest(make_room="close_oldest"))
    assert row(services, running).state == State.QUEUED


def test_somebody_elses_desktop_makes_no_room(
    services: Services, alice: Actor, bob: Actor, xfce: str, clock: SteppingClock
) -> None:
    bobs = services.launcher.launch(bob, PLAIN)
    launch_three(services, alice, clock)
    with pytest.raises(LimitReached):
        services.launcher.launch(alice, LaunchRequest(make_room=f"close_session:{bobs}"))
    with pytest.raises(BadInput):
        services.launcher.launch(alice, LaunchRequest(make_room="close everything"))
    assert row(services, bobs).state == State.QUEUED


def test_a_refusal_for_another_reason_stops_nothing(small: Services, clock: SteppingClock) -> None:
    """A free place of the person is no free place of the site; the running desktop then
    continues."""
    carol = Actor(small.accounts.add_person(SYSTEM, "carol", PASSWORD))
    oldest, *_ = launch_three(small, carol, clock)
    add_warm(small, 1, template_version="0")
    with refuses(Refused, match="All desktops of this site") as refused:
        small.launcher.launch(carol, LaunchRequest(make_room="close_oldest"))
    assert refused.value.reason == "full"
    assert row(small, oldest).state == State.QUEUED
