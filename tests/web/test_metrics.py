"""The metrics for Prometheus: protected, well-formed, correct, with a fixed number of queries."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from sqlalchemy import event, select

from tests.compilation import make_app
from tests.fakes import FailingProvisioner, FakeNode
from tests.portal import SteppingClock, make_environment
from tests.web.conftest import Browser
from tests.worker.life import launch
from webapp import bootstrap, bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.config import Config, load
from webapp.domain.errors import Refused
from webapp.domain.statistics.metrics import METRICS
from webapp.domain.upkeep.drift import Kind
from webapp.domain.upkeep.health import Health
from webapp.models import Checkup, FindingRow, Node, Template, TemplateReplica
from webapp.services.audit.record import Actor

TOKEN = "a-token-that-only-Prometheus-has"
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_METRICS_TOKEN=TOKEN))


def scrape(browser: Browser, accept: str = "text/plain") -> str:
    answer = browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Accept": accept})
    assert answer.status_code == 200
    assert answer.content_type.startswith(accept)
    return answer.text


def values(browser: Browser) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(scrape(browser))
        for sample in family.samples
    }


def value(told: Values, name: str, **labels: str) -> float:
    return told[name, frozenset(labels.items())]


def test_without_a_token_set_there_is_no_such_page(services: Services, tmp_path: Path) -> None:

    without = bootstrap.build_services(load(make_environment(tmp_path)))
    browser = Browser(make_app(without).test_client())
    assert browser.get("/metrics").status_code == 404
    assert browser.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    without.db.close()


@pytest.mark.parametrize("shown", ["", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xff"])
def test_who_does_not_show_the_token_reads_nothing(stranger: Browser, shown: str) -> None:
    answer = stranger.get("/metrics", headers={"Authorization": shown})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "winux_" not in answer.text


def test_an_admin_needs_the_token_too(root: Actor, app: Flask) -> None:
    browser = Browser(app.test_client())
    browser.sign_in("root")
    assert browser.get("/metrics").status_code == 401


def test_a_fresh_portal_tells_every_metric_that_needs_no_worker(stranger: Browser) -> None:
    told = {family.name for family in parse(scrape(stranger))}
    names = {name.removesuffix("_total") for name in METRICS}
    assert told <= names
    assert names - told == {"winux_worker_beat_age_seconds", "winux_proxmox_age_seconds"}


def test_both_text_forms_can_be_read(stranger: Browser, worker: WorkerServices, ready: str) -> None:
    worker.heartbeat.beat()
    open_form = scrape(stranger, "application/openmetrics-text")
    assert {family.name for family in parse_open(open_form)} >= {"winux_launches", "winux_workers"}


def test_a_desktops_life_is_counted(
    stranger: Browser,
    services: Services,
    clock: SteppingClock,
    worker: WorkerServices,
    alice: Actor,
    xfce: str,
) -> None:
    launch(services, alice)
    assert value(values(stranger), "winux_queue_length", owner="person") == 1
    clock.step(seconds=4)
    assert value(values(stranger), "winux_queue_oldest_seconds", owner="person") == 4
    worker.builder.build_one()
    told = values(stranger)
    assert value(told, "winux_launches_total", template="xfce", start="cold") == 1
    assert value(told, "winux_launch_seconds_sum", template="xfce", start="cold") == pytest.approx(
        4, abs=0.01
    )
    assert value(told, "winux_launch_seconds_bucket", template="xfce", start="cold", le="3") == 0
    assert value(told, "winux_launch_seconds_bucket", template="xfce", start="cold", le="5") == 1
    assert value(told, "winux_build_stage_seconds_count", stage="queue") == 1
    assert value(told, "winux_build_stage_seconds_count", stage="desktop_clone") == 1
    assert value(told, "winux_desktops", template="xfce", state="ready", owner="person") == 1
    assert value(told, "winux_reservations", kind="vmid") == 1
    clock.step(minutes=30, seconds=2)
    assert value(values(stranger), "winux_overdue_seconds") == 2
    assert services.lifetime.expire_some()
    clock.step(seconds=7)
    assert value(values(stranger), "winux_teardown_oldest_seconds") == 7
    assert worker.teardown.teardown_one()
    told = values(stranger)
    assert value(told, "winux_ends_total", template="xfce", reason="expired") == 1
    assert value(told, "winux_expiry_delay_seconds_sum") == pytest.approx(2, abs=0.01)
    assert value(told, "winux_teardown_seconds_bucket", le="10") == 1
    assert value(told, "winux_teardown_seconds_bucket", le="5") == 0
    assert value(told, "winux_reservations", kind="vmid") == 0


def test_a_failure_says_in_which_stage(
    stranger: Browser, services: Services, node: FakeNode, alice: Actor, xfce: str
) -> None:
    worker = bootstrap_worker.build_worker_services(
        services, "w", provisioner=FailingProvisioner(node, "desktop_start"), hypervisor=node
    )
    launch(services, alice)
    worker.builder.build_one()
    told = values(stranger)
    assert (
        value(told, "winux_failures_total", template="xfce", stage="desktop_start", reason="other")
        == 1
    )


def test_a_template_that_fails_again_and_again_rests(
    stranger: Browser,
    services: Services,
    clock: SteppingClock,
    node: FakeNode,
    alice: Actor,
    bob: Actor,
    root: Actor,
    xfce: str,
) -> None:
    worker = bootstrap_worker.build_worker_services(
        services, "w", provisioner=FailingProvisioner(node, "desktop_start"), hypervisor=node
    )
    for person in (alice, bob, root):
        clock.step(minutes=1)
        launch(services, person)
        worker.builder.build_one()
    with pytest.raises(Refused):
        launch(services, alice)
    told = values(stranger)
    assert value(told, "winux_template_resting", template="xfce") == 1
    assert value(told, "winux_refusals_total", action="desktop.launch", reason="resting") == 1


def test_refusals_are_counted_by_their_reason(
    stranger: Browser, services: Services, alice: Actor, xfce: str
) -> None:
    for _ in range(3):
        launch(services, alice)
    for _ in range(2):
        with pytest.raises(Refused):
            launch(services, alice)
    told = values(stranger)
    assert value(told, "winux_refusals_total", action="desktop.launch", reason="limit") == 2


def test_workers_and_proxmox_are_told(
    stranger: Browser, worker: WorkerServices, clock: SteppingClock
) -> None:
    worker.heartbeat.look_at_proxmox()
    worker.heartbeat.beat()
    clock.step(seconds=9)
    told = values(stranger)
    assert value(told, "winux_workers") == 1
    assert value(told, "winux_worker_beat_age_seconds") == 9
    assert value(told, "winux_proxmox_up") == 1
    clock.step(minutes=1)
    assert value(values(stranger), "winux_workers") == 0
    assert value(values(stranger), "winux_proxmox_up") == 0


def test_nodes_room_and_differences_are_told(
    stranger: Browser, services: Services, clock: SteppingClock, xfce: str
) -> None:
    now = clock.now()
    with services.db.begin() as session:
        seen = {"seen_at": now, "is_enabled": True}
        session.add(Node(name="pve1", is_online=True, memory_mb=4096, free_mb=3072, **seen))
        session.add(Node(name="pve2", is_online=False, trouble="It is down.", **seen))
        template = session.scalars(select(Template)).one()
        replica = {"version": "1", "published_at": now, "node": "pve1"}
        session.add(TemplateReplica(vmid=template.vmid, template=template, **replica))
        for vmid, resolved_at in ((31000, None), (31001, now)):
            session.add(
                FindingRow(
                    kind=Kind.LEAK,
                    vmid=vmid,
                    first_seen_at=now,
                    seen_at=now,
                    resolved_at=resolved_at,
                )
            )
        session.add(
            Checkup(
                host="h", part="p", position=1, health=Health.BAD, text="Broken.", examined_at=now
            )
        )
    told = values(stranger)
    assert value(told, "winux_node_online", node="pve1") == 1
    assert value(told, "winux_node_online", node="pve2") == 0
    assert value(told, "winux_node_memory_free_bytes", node="pve1") == 3 * 2**30
    assert ("winux_node_memory_bytes", frozenset({("node", "pve2")})) not in told
    assert 0 < value(told, "winux_capacity", template="xfce") <= 3
    assert value(told, "winux_template_resting", template="xfce") == 0
    assert value(told, "winux_findings_open", kind="leak") == 1
    assert value(told, "winux_findings_total", kind="leak") == 2
    assert value(told, "winux_doctor_parts", health="bad") == 1


def test_a_database_that_fails_is_answered_with_503(stranger: Browser, services: Services) -> None:
    with services.db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tallies")
    answer = stranger.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, "database" in answer.text) == (503, True)


@pytest.fixture
def count_queries(services: Services) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(services.db.engine, "before_cursor_execute", note)
    yield said
    event.remove(services.db.engine, "before_cursor_execute", note)


def test_the_number_of_queries_does_not_depend_on_what_there_is(
    stranger: Browser,
    services: Services,
    worker: WorkerServices,
    alice: Actor,
    bob: Actor,
    xfce: str,
    count_queries: list[str],
) -> None:
    def cost() -> int:
        count_queries.clear()
        scrape(stranger)
        return len(count_queries)

    few = cost()
    for actor in (alice, bob, alice, bob):
        launch(services, actor)
        worker.builder.build_one()
    services.tallies.settle()
    assert cost() == few <= 50
