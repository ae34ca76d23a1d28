"""The health endpoints for monitoring."""

import pytest
from sqlalchemy import text

from tests.portal import SteppingClock, publish_template
from tests.web.conftest import Browse, Browser
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import WorkerBeat
from webapp.services.audit.record import Actor

#: The portal's own machine, which gets the complete answer.
HERE = {"REMOTE_ADDR": "127.0.0.1"}


def test_alive_is_always_ok(stranger: Browser) -> None:
    assert stranger.get("/healthz").get_json() == {"status": "ok"}


def test_ready_names_what_is_wrong_and_the_cure(stranger: Browser) -> None:
    answer = stranger.get("/readyz", environ_base=HERE)
    assert answer.status_code == 503
    troubles = answer.get_json()["troubles"]
    assert "./winux worker" in troubles["worker"]
    assert "template" in troubles


def test_ready_tells_strangers_only_which_part_is_in_trouble(
    stranger: Browser, services: Services, clock: SteppingClock
) -> None:
    publish_template(services)
    trouble = "pve.internal:8006 does not answer."
    with services.db.begin() as session:
        session.add(WorkerBeat(worker="w", seen_at=clock.now(), proxmox_trouble=trouble))
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    passed_on = stranger.get("/readyz", headers=proxied, environ_base=HERE)
    from_afar = stranger.get("/readyz", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    for answer in (passed_on, from_afar):
        assert (answer.status_code, list(answer.get_json()["troubles"])) == (503, ["proxmox"])
        assert "pve.internal" not in answer.text


@pytest.mark.parametrize("name", ["root", "alice"])
def test_of_those_who_ask_from_afar_administrators_read_why(
    browse: Browse, services: Services, alice: Actor, root: Actor, name: str
) -> None:
    browser = browse(name)
    answer = browser.get("/readyz", headers={"X-Forwarded-For": "203.0.113.9"})
    assert ("./winux worker" in answer.text) == (name == "root")


def test_ready_when_all_is_well(
    stranger: Browser, services: Services, worker: WorkerServices
) -> None:
    publish_template(services)
    worker.heartbeat.look_at_proxmox()
    worker.heartbeat.beat()
    assert (
        stranger.get("/readyz", environ_base=HERE).status_code,
        stranger.get("/readyz", environ_base=HERE).get_json(),
    ) == (
        200,
        {"status": "ok", "troubles": {}},
    )


def test_a_silent_worker_and_a_silent_proxmox_are_seen(
    stranger: Browser, services: Services, clock: SteppingClock
) -> None:
    publish_template(services)
    with services.db.begin() as session:
        session.add(WorkerBeat(worker="w", seen_at=clock.now(), proxmox_trouble="Proxmox is gone."))
    assert stranger.get("/readyz", environ_base=HERE).get_json()["troubles"] == {
        "proxmox": "Proxmox is gone."
    }
    clock.step(minutes=2)
    assert "worker" in stranger.get("/readyz", environ_base=HERE).get_json()["troubles"]


def test_a_database_that_fails_is_seen(stranger: Browser, services: Services) -> None:
    with services.db.begin() as session:
        session.execute(text("DROP TABLE worker_beats"))
    answer = stranger.get("/readyz", environ_base=HERE)
    assert answer.status_code == 503
    assert "database" in answer.get_json()["troubles"]
    assert stranger.get("/healthz").status_code == 200
