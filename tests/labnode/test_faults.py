"""Faults on demand: each kind affects the selected requests, the requested number of times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.labnode.server import Client, LabNode

LXC = "/nodes/lab/lxc"


@pytest.fixture
def fault(node: LabNode) -> Iterator[Callable[..., None]]:
    client = Client(node.url, node.settings()["proxmox_ca_file"])

    def order(*faults: dict[str, Any]) -> None:
        answer = client("PUT", "/labnode/faults", None, json=list(faults), is_whole=True)
        assert answer.status == 200, answer.text

    yield order
    client("DELETE", "/labnode/faults", is_whole=True)


def test_an_error_hits_what_it_matches_and_as_often_as_said(
    portal: Client, fault: Callable[..., None]
) -> None:
    fault({"kind": "error", "path": "^GET /cluster/nextid", "count": 2})
    assert portal.get("/version").status == 200
    assert [portal.get("/cluster/nextid").status for _ in range(3)] == [500, 500, 200]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "permission denied - invalid PVE ticket"), (595, "Connection refused")],
)
def test_401_and_595_have_no_body(
    portal: Client, fault: Callable[..., None], status: int, reason: str
) -> None:
    fault({"kind": "error", "status": status})
    answer = portal.get("/version")
    assert (answer.status, answer.reason, answer.text) == (status, reason, "")


def test_slow(portal: Client, fault: Callable[..., None]) -> None:
    fault({"kind": "slow", "delay": 0.5})
    began = time.monotonic()
    assert portal.get("/version").status == 200
    assert time.monotonic() - began >= 0.5


def test_who_is_slow_goes_on_when_the_faults_are_replaced(
    portal: Client, fault: Callable[..., None]
) -> None:
    fault({"kind": "slow", "delay": 60})
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(portal.get, "/version")
        time.sleep(0.5)
        assert not answer.done()
        fault()
        assert answer.result().status == 200
    assert time.monotonic() - began < 30


def test_an_empty_listing(
    portal: Client, fault: Callable[..., None], make: Callable[..., int]
) -> None:
    make(29101)
    fault({"kind": "empty-list", "path": "/cluster/resources"})
    assert portal.get("/cluster/resources", type="vm").data == []
    assert portal.get("/cluster/resources", type="vm").data != []


def test_a_dropped_connection(portal: Client, fault: Callable[..., None]) -> None:
    fault({"kind": "drop"})
    with pytest.raises(requests.ConnectionError):
        portal.get("/version")
    assert portal.get("/version").status == 200


def test_html_instead_of_json(portal: Client, fault: Callable[..., None]) -> None:
    fault({"kind": "html"})
    answer = portal.get("/version")
    assert answer.status == 502
    assert answer.text.startswith("<html>")


def test_a_task_that_fails(
    portal: Client, fault: Callable[..., None], make: Callable[..., int]
) -> None:
    vmid = make(29102)
    fault({"kind": "failed-task", "path": "status/start", "message": "startup failed"})
    upid = portal.post(f"{LXC}/{vmid}/status/start").data
    assert portal.wait(upid) == "startup failed"
    assert portal.get(f"/nodes/lab/tasks/{upid}/log").data[-1]["t"] == "TASK ERROR: startup failed"
    assert portal.get(f"{LXC}/{vmid}/status/current").data["status"] == "stopped"


def test_a_task_that_is_lost(
    portal: Client, fault: Callable[..., None], make: Callable[..., int]
) -> None:
    vmid = make(29103)
    fault({"kind": "lost-task", "path": "status/start"})
    upid = portal.post(f"{LXC}/{vmid}/status/start").data
    answer = portal.get(f"/nodes/lab/tasks/{upid}/status")
    assert answer.json["errors"] == {"upid": "no such task"}


def test_a_fault_that_fails_a_clone_leaves_no_lock(
    portal: Client, fault: Callable[..., None], template: int
) -> None:
    fault({"kind": "failed-task", "path": "/clone"})
    upid = portal.post(f"{LXC}/{template}/clone", newid=30100, pool="winux").data
    assert portal.wait(upid) == "clone failed: got signal 15"
    again = portal.post(f"{LXC}/{template}/clone", newid=30101, pool="winux")
    assert portal.done(again) == "OK"


def test_a_fault_that_cannot_be_is_refused(node: LabNode) -> None:
    client = Client(node.url, node.settings()["proxmox_ca_file"])
    for wrong in (
        [{"kind": "nonsense"}],
        [{"kind": "slow", "colour": 1}],
        [{"kind": "slow", "path": "("}],
    ):
        answer = client("PUT", "/labnode/faults", None, json=wrong, is_whole=True)
        assert answer.status == 400


def test_without_the_option_there_is_no_control(tmp_path: Any) -> None:
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    plain = LabNode(state_dir).start()
    try:
        client = Client(plain.url, plain.settings()["proxmox_ca_file"])
        answer = client("PUT", "/labnode/faults", None, json=[], is_whole=True)
        assert answer.status == 500
        assert answer.reason == "no such file '/labnode/faults'"
    finally:
        plain.stop()


def test_requests_can_be_let_by_first(portal: Client, fault: Callable[..., None]) -> None:
    fault({"kind": "error", "path": "^GET /cluster/nextid", "skip": 2})
    assert [portal.get("/cluster/nextid").status for _ in range(4)] == [200, 200, 500, 200]


def test_an_answer_can_be_late_or_lost_although_it_was_done(
    builder: Client, make: Callable[..., int], fault: Callable[..., None]
) -> None:
    vmid = make(29107)
    config = f"{LXC}/{vmid}/config"
    fault({"kind": "lost-answer", "path": f"^PUT {config}"})
    with pytest.raises(requests.ConnectionError):
        builder.put(config, memory=777)
    assert builder.get(config).data["memory"] == 777
    fault({"kind": "late", "path": f"^PUT {config}", "delay": 0.5})
    began = time.monotonic()
    assert builder.put(config, memory=778).status == 200
    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize(("kind", "memory"), [("crash", 512), ("late-crash", 777)])
def test_the_node_can_die_of_a_request(
    node: LabNode,
    builder: Client,
    make: Callable[..., int],
    fault: Callable[..., None],
    kind: str,
    memory: int,
) -> None:
    vmid = make(29108 if kind == "crash" else 29109, memory=512)
    fault({"kind": kind, "path": f"^PUT {LXC}/{vmid}/config"})
    with pytest.raises(requests.ConnectionError):
        builder.put(f"{LXC}/{vmid}/config", memory=777)
    assert node.process
    node.process.wait(10)
    node.start()
    assert builder.get(f"{LXC}/{vmid}/config").data["memory"] == memory
