"""The real worker and playbooks on three nodes, some of them busy, full or down."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.adapters.cluster import (
    REPLICAS,
    desktops,
    environment_of,
    faults,
    make_replicas,
    node_options,
)
from tests.labnode.server import LabNode
from tests.portal import PASSWORD, publish_template
from tests.worker.life import row
from webapp import bootstrap, bootstrap_worker
from webapp.adapters import migration
from webapp.bootstrap import Services
from webapp.config import load
from webapp.domain.states import State
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.worker.loop import Worker

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabNode]:
    folder = tmp_path / "lab"
    folder.mkdir()
    node = LabNode(folder, ["--faults", *node_options("abc")]).start()
    make_replicas(node.client(), REPLICAS)
    yield node
    node.stop()


@pytest.fixture
def services(lab: LabNode, tmp_path: Path, portal_id: str) -> Iterator[Services]:
    """A portal that publishes XFCE on all three nodes, and MATE only on the third."""
    environment = environment_of(
        lab,
        tmp_path,
        WINUX_PORTAL_ID=portal_id,
        WINUX_WORKER_SLOTS="3",
        WINUX_MAX_DESKTOPS="20",
        WINUX_STALE_LOCK_SECONDS="1",
        WINUX_NETWORK="127.203.0.0/24",
    )
    made = bootstrap.build_services(load(environment))
    migration.migrate(made.db)
    for node, vmid in REPLICAS.items():
        made.catalogue.publish(SYSTEM, "xfce", vmid, "1", {}, node)
    publish_template(made, "mate", vmid=29010)
    yield made
    made.db.close()


@pytest.fixture
def alice(services: Services) -> Actor:
    return Actor(services.accounts.add_person(SYSTEM, "alice", PASSWORD))


def launch(services: Services, actor: Actor, template: str = "xfce") -> str:
    return services.launcher.launch(actor, LaunchRequest(template=template))


@contextmanager
def at_work(services: Services) -> Iterator[bootstrap_worker.WorkerServices]:
    """A worker in this process; its playbooks run in processes of their own."""
    parts = bootstrap_worker.build_worker_services(services, "worker-1")
    parts.heartbeat.look_at_proxmox()
    worker = Worker(parts, grace_seconds=0)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield parts
    finally:
        worker.stop()
        thread.join(60)
    assert not thread.is_alive()


def until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    patience = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < patience, "it did not happen in time"
        time.sleep(0.1)


def ready(services: Services, public_ids: list[str]) -> bool:
    states = [row(services, one).state for one in public_ids]
    assert not {State.FAILED, State.STOPPING, State.ENDED} & set(states), states
    return set(states) == {State.READY}


def clones(lab: LabNode) -> list[str]:
    """Return the results of the clones on all nodes."""
    client = lab.client("portal")
    rows = [row for node in REPLICAS for row in client.get(f"/nodes/{node}/tasks").data]
    return [row["status"] for row in rows if row["type"] == "vzclone"]


def test_desktops_spread_over_the_nodes_and_no_clone_meets_anothers_lock(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    wanted = [launch(services, alice) for _ in range(6)]
    with at_work(services):
        until(lambda: ready(services, wanted))
    assert set(desktops(lab).values()) == {"a", "b", "c"}
    assert {one: row(services, one).node for one in wanted} == {
        one: desktops(lab)[row(services, one).vmid or 0] for one in wanted
    }
    assert clones(lab) == ["OK"] * 6


@pytest.mark.sampled(0)
def test_full_nodes_are_left_alone_and_the_rest_goes_on(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    faults(lab, *({"kind": "node-full", "node": name} for name in "ac"))
    wanted = [launch(services, alice) for _ in range(2)]
    with at_work(services):
        until(lambda: ready(services, wanted))
    assert list(desktops(lab).values()) == ["b", "b"]


def test_when_all_are_full_a_launch_waits_and_says_so(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    faults(lab, *({"kind": "node-full", "node": name} for name in "abc"))
    with at_work(services) as parts:
        wanted = launch(services, alice)
        time.sleep(1.5)
        assert row(services, wanted).state == State.QUEUED
        waiting = services.queue_positions.of(row(services, wanted))
        assert waiting
        assert waiting.wait
        assert "full" in waiting.wait
        faults(lab)
        parts.heartbeat.look_at_proxmox()
        until(lambda: ready(services, [wanted]))


@pytest.mark.sampled(0)
def test_a_node_that_goes_down_in_the_middle_stops_only_what_is_on_it(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    with at_work(services) as parts:
        first = launch(services, alice)
        until(lambda: ready(services, [first]))
        lost = row(services, first).node or ""
        faults(lab, {"kind": "node-down", "node": lost})
        parts.heartbeat.look_at_proxmox()
        more = [launch(services, alice) for _ in range(3)]
        services.lifetime.stop(alice, first)
        until(lambda: ready(services, more))
        assert lost not in {row(services, one).node for one in more}
        stopping = row(services, first)
        assert (stopping.state, stopping.attempts) == (State.STOPPING, 0)
        faults(lab)
        parts.heartbeat.look_at_proxmox()
        until(lambda: row(services, first).state == State.ENDED)
    assert row(services, first).vmid not in desktops(lab)


def test_a_build_whose_node_goes_down_is_made_again_where_it_can_be(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    """The node stops responding at the clone call, before the desktop exists."""
    faults(
        lab,
        *({"kind": "node-full", "node": name} for name in "bc"),
        {"kind": "error", "path": "POST /nodes/a/.*/clone", "status": 595, "count": 0},
    )
    wanted = launch(services, alice)
    with at_work(services) as parts:
        until(lambda: row(services, wanted).attempts > 0)
        assert row(services, wanted).failure_reason == "unreachable"
        faults(lab, {"kind": "node-down", "node": "a"})
        parts.heartbeat.look_at_proxmox()
        until(lambda: ready(services, [wanted]))
    assert row(services, wanted).node in {"b", "c"}


def test_a_lock_that_was_left_behind_stops_only_its_template_and_names_its_cure(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    """MATE has one replica, on c; XFCE has three."""
    client = lab.client("portal")
    services.catalogue.publish(SYSTEM, "mate", 29003, "1", {}, "c")
    services.catalogue.publish(SYSTEM, "xfce", 29001, "2", {}, "a")
    services.catalogue.publish(SYSTEM, "xfce", 29002, "2", {}, "b")
    faults(lab, {"kind": "stale-lock", "path": "/nodes/c/.*/clone"})
    client.wait(client.post("/nodes/c/lxc/29003/clone", newid=30900, pool="winux").data)
    faults(lab)
    with at_work(services) as parts:
        time.sleep(1.1)
        parts.heartbeat.look_at_proxmox()
        (stuck,) = services.capacity.view().stuck
        assert (stuck.node, stuck.cure) == ("c", "pct unlock 29003")
        held_up = launch(services, alice, "mate")
        others = [launch(services, alice) for _ in range(2)]
        until(lambda: ready(services, others))
        waiting = services.queue_positions.of(row(services, held_up))
        assert waiting
        assert waiting.wait
        assert "locked" in waiting.wait
        client("PUT", "/labnode/unlock?vmid=29003", is_whole=True)
        parts.heartbeat.look_at_proxmox()
        until(lambda: ready(services, [held_up]))
        assert services.capacity.view().stuck == []


def test_a_source_that_somebody_else_clones_holds_up_nobody_else(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    """A clone that an operator makes by hand locks MATE's only template."""
    services.catalogue.publish(SYSTEM, "mate", 29003, "1", {}, "c")
    services.catalogue.publish(SYSTEM, "xfce", 29001, "2", {}, "a")
    client = lab.client()
    faults(lab, {"kind": "stale-lock", "path": "/nodes/c/.*/clone"})
    client.wait(client.post("/nodes/c/lxc/29003/clone", newid=30900, pool="winux").data)
    faults(lab)
    with at_work(services):
        mate = launch(services, alice, "mate")
        xfce = launch(services, alice)
        until(lambda: ready(services, [xfce]))
        assert row(services, mate).state != State.READY
        client("PUT", "/labnode/unlock?vmid=29003", is_whole=True)
        until(lambda: ready(services, [mate]))


def test_a_desktop_that_was_moved_to_another_node_is_removed_there(
    lab: LabNode, services: Services, alice: Actor
) -> None:
    """Move a container: the lab node has no `pct migrate`, so delete and recreate it."""
    with at_work(services):
        wanted = launch(services, alice)
        until(lambda: ready(services, [wanted]))
        desktop = row(services, wanted)
        move(lab, desktop.vmid or 0, desktop.node or "", wanted)
        services.lifetime.stop(alice, wanted)
        until(lambda: row(services, wanted).state == State.ENDED)
    assert desktops(lab) == {}


def move(lab: LabNode, vmid: int, node: str, public_id: str) -> None:
    client = lab.client()
    other = next(name for name in REPLICAS if name != node)
    mark = client.get(f"/nodes/{node}/lxc/{vmid}/config").data["description"]
    client.done(client.post(f"/nodes/{node}/lxc/{vmid}/status/stop"))
    assert client.done(client.delete(f"/nodes/{node}/lxc/{vmid}")) == "OK"
    options = {"hostname": public_id, "description": mark, "pool": "winux", "storage": "local-lab"}
    archive = "local:vztmpl/nothing.tar.zst"
    made = client.post(f"/nodes/{other}/lxc", vmid=vmid, ostemplate=archive, **options)
    assert client.done(made) == "OK"
