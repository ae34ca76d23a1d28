"""What people and administrators see about capacity, resting templates and nodes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.portal import SteppingClock
from tests.services.desktops.test_gate import fail, see_node
from tests.web.conftest import Browse
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import Node, TemplateReplica
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest


@pytest.fixture(autouse=True)
def _published_long_ago(services: Services, xfce: str, clock: SteppingClock) -> None:
    clock.step(hours=5)


def test_a_card_says_how_many_more_fit(services: Services, alice: Actor, browse: Browse) -> None:
    browser = browse("alice")
    assert "more fit" not in browser.sees("/")
    see_node(services, 2600)
    assert "about 2 more fit" in browser.sees("/")


def test_a_card_of_a_full_site_says_that_a_launch_waits(
    services: Services, alice: Actor, browse: Browse
) -> None:
    see_node(services, 600)
    assert "no room right now: a launch waits in the queue" in browse("alice").sees("/")


def test_a_resting_templates_card_says_until_when_and_cannot_be_clicked(
    services: Services, alice: Actor, root: Actor, browse: Browse
) -> None:
    fail(services, 1, 2, 3)
    browser = browse("alice")
    assert "rests; it can be tried again in 4 min" in browser.sees("/")
    assert " disabled" in browser.get("/").text
    refused = browser.post("/desktops/", template="xfce")
    assert "XFCE failed several times in a row and rests." in refused.text
    admins = browse("root")
    assert " disabled" not in admins.get("/").text
    assert "Launch one yourself to try it now." in admins.sees("/admin/")


def test_the_nodes_page_shows_room_and_troubles(
    services: Services, root: Actor, worker: WorkerServices, browse: Browse
) -> None:
    browser = browse("root")
    assert "No worker has looked at the nodes yet." in browser.sees("/admin/nodes/")
    worker.heartbeat.look_at_proxmox()
    shown = browser.sees("/admin/nodes/")
    assert "lab" in shown
    assert "29001" in shown
    with services.db.begin() as session:
        node = session.scalars(select(Node)).one()
        node.is_online, node.trouble = False, "It is offline."
    assert "It is offline." in browser.sees("/admin/nodes/")
    assert "Not usable: lab." in browser.sees("/admin/")


def test_a_lock_that_was_left_behind_is_shown_with_its_cure(
    services: Services, root: Actor, worker: WorkerServices, browse: Browse
) -> None:
    worker.heartbeat.look_at_proxmox()
    with services.db.begin() as session:
        replica = session.scalars(select(TemplateReplica)).one()
        replica.lock = "disk"
        replica.locked_at = services.clock.now() - timedelta(minutes=6)
    browser = browse("root")
    assert "pct unlock 29001" in browser.sees("/admin/nodes/")
    assert "Stale locks: XFCE (lab)." in browser.sees("/admin/")


def test_an_old_version_is_shown_with_what_keeps_it(
    services: Services, alice: Actor, root: Actor, worker: WorkerServices, browse: Browse
) -> None:
    worker.heartbeat.look_at_proxmox()
    public_id = services.launcher.launch(alice, LaunchRequest())
    worker.builder.build_one()
    browser = browse("root")
    assert "old version" not in browser.sees("/admin/nodes/")
    services.catalogue.publish(root, "xfce", 29002, "2", {}, node="lab")
    assert "Kept for 1 desktop that was cloned from it." in browser.sees("/admin/nodes/")
    worker.lifetime.stop(alice, public_id)
    assert worker.teardown.teardown_one()
    assert "no longer needed and will be removed" in browser.sees("/admin/nodes/")


def test_an_admin_drains_a_node_and_uses_it_again(
    services: Services, root: Actor, worker: WorkerServices, browse: Browse
) -> None:
    worker.heartbeat.look_at_proxmox()
    browser = browse("root")
    assert browser.post("/admin/nodes/lab/drain").status_code == 303
    assert "takes no new desktops" in browser.sees("/admin/nodes/")
    assert browser.post("/admin/nodes/lab/use").status_code == 303
    assert "lab takes new desktops again." in browser.sees("/admin/nodes/")
    browser.post("/admin/nodes/nowhere/drain")
    assert "No worker has seen a node" in browser.sees("/admin/nodes/")
