"""What monitors read."""

from sqlalchemy import text

from tests.portal import SteppingClock, publish_template
from tests.web.conftest import Browser
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import WorkerBeat


def test_alive_is_always_ok(stranger: Browser) -> None:
    assert stranger.get("/healthz").get_json() == {"status": "ok"}


def test_ready_names_what_is_wrong_and_the_cure(stranger: Browser) -> None:
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    troubles = answer.get_json()["troubles"]
    assert "./winux worker" in troubles["worker"]
    assert "template" in troubles


def test_ready_when_all_is_well(
    stranger: Browser, services: Services, worker: WorkerServices
) -> None:
    publish_template(services)
    worker.heartbeat.look_at_proxmox()
    worker.heartbeat.beat()
    assert (stranger.get("/readyz").status_code, stranger.get("/readyz").get_json()) == (
        200,
        {"status": "ok", "troubles": {}},
    )


def test_a_silent_worker_and_a_silent_proxmox_are_seen(
    stranger: Browser, services: Services, clock: SteppingClock
) -> None:
    publish_template(services)
    with services.db.begin() as session:
        session.add(WorkerBeat(worker="w", seen_at=clock.now(), proxmox_trouble="Proxmox is gone."))
    assert stranger.get("/readyz").get_json()["troubles"] == {"proxmox": "Proxmox is gone."}
    clock.step(minutes=2)
    assert "worker" in stranger.get("/readyz").get_json()["troubles"]


def test_a_database_that_fails_is_seen(stranger: Browser, services: Services) -> None:
    with services.db.begin() as session:
        session.execute(text("DROP TABLE worker_beats"))
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    assert "database" in answer.get_json()["troubles"]
    assert stranger.get("/healthz").status_code == 200
