"""The playbooks when Proxmox VE is slow, refuses, interrupts or returns false answers.

The tests use a real lab node process with simulated containers over HTTPS, and its own fault
injection.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.lab import TEMPLATE, create, make_template
from tests.labnode.server import Client, LabNode
from tests.playbooks.actions import MARK, SESSION, Container, api_of, container_of
from tests.playbooks.operator import Desktop, Operator

VMID = 20001
Break = Callable[..., None]


@pytest.fixture
def break_node(node_api: Client) -> Break:
    """Set a fault of the node: break_node(kind, path=…, count=…, status=…)."""

    def break_(kind: str, **fault: object) -> None:
        answer = node_api(
            "PUT", "/labnode/faults", None, is_whole=True, json=[{"kind": kind, **fault}]
        )
        assert answer.status == 200, answer

    return break_


@pytest.fixture
def container(memory_node: LabNode, node_api: Client) -> Container:
    """A desktop's container that is not created yet, on a node with a template."""
    make_template(node_api)
    return container_of(memory_node, VMID)


def clone(container: Container) -> None:
    names = {"newid": VMID, "hostname": SESSION, "pool": "winux"}
    container.create(f"lxc/{TEMPLATE}/clone", "cloning", **names)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 500, "reason": "pmxcfs is down"},
        {"kind": "error", "status": 595},
        {"kind": "drop"},
        {"kind": "html"},
    ],
    ids=["500", "595", "drop", "html"],
)
def test_a_read_survives_what_passes(
    container: Container, break_node: Break, fault: dict[str, object]
) -> None:
    clone(container)
    break_node(**fault, path="GET .*/config", count=2)
    assert container.find_ours() is not None


@pytest.mark.parametrize("place", ["^GET .*/config$", "^GET .*/status$", "^POST .*/clone$"])
def test_an_answer_of_the_wrong_kind_is_no_answer(
    container: Container, break_node: Break, place: str
) -> None:
    break_node("empty-list", path=place, count=2)
    clone(container)
    assert container.find_ours()


@pytest.mark.parametrize("kind", ["drop", "html"])
def test_a_clone_whose_request_was_lost_is_sent_again(
    container: Container, break_node: Break, kind: str
) -> None:
    break_node(kind, path="POST .*/clone", count=1)
    clone(container)
    assert container.find_ours() is not None


def test_a_clone_whose_answer_was_lost_is_not_sent_twice(
    container: Container, break_node: Break, node_api: Client
) -> None:
    """The node created it, but the answer was lost: the playbook first checks what exists."""
    break_node("lost-answer", path="^POST .*/clone$")
    clone(container)
    tasks = node_api.get("/nodes/lab/tasks", source="all").data
    assert [task["type"] for task in tasks].count("vzclone") == 1
    assert container.find_ours() is not None


def test_growing_a_disk_whose_answer_was_lost_is_not_refused_for_having_happened(
    container: Container, break_node: Break, node_api: Client
) -> None:
    clone(container)
    break_node("lost-answer", path="^PUT .*/resize", delay=0.5)
    container.grow_disk(20)
    assert "size=20G" in node_api.get(f"/nodes/lab/lxc/{VMID}/config").data["rootfs"]


def test_growing_a_disk_is_not_refused_when_the_look_was_too_early(
    container: Container, break_node: Break, node_api: Client
) -> None:
    clone(container)
    slow = {"kind": "slow", "path": "^PUT .*/resize", "skip": 1, "delay": 0.5}
    node_api(
        "PUT",
        "/labnode/faults",
        None,
        is_whole=True,
        json=[{"kind": "lost-answer", "path": "^PUT .*/resize"}, slow],
    )
    container.grow_disk(20)
    assert "size=20G" in node_api.get(f"/nodes/lab/lxc/{VMID}/config").data["rootfs"]


def test_a_failed_task_is_told_with_its_reason(container: Container, break_node: Break) -> None:
    break_node("failed-task", path="POST .*/clone", message="no space left on device")
    with pytest.raises(Exception, match=r"cloning failed: .*no space left on device"):
        clone(container)


def test_a_task_that_the_node_forgot_is_judged_by_what_is_there(
    container: Container, break_node: Break
) -> None:
    break_node("lost-task", path="POST .*/clone")
    clone(container)
    assert container.find_ours() is not None


def test_a_start_that_was_seen_to_end_well_is_not_looked_at_again(
    container: Container, break_node: Break
) -> None:
    clone(container)
    break_node("error", path="GET .*/status/current", count=1000, status=500)
    assert container.start()


def test_a_start_that_the_node_forgot_is_judged_by_what_is_there(
    container: Container, break_node: Break
) -> None:
    clone(container)
    break_node("lost-task", path="POST .*/status/start")
    assert container.start()
    assert container.is_running()
    assert not container.start()


def test_a_token_that_could_read_a_template_is_not_asked_for_its_rights(
    container: Container, break_node: Break
) -> None:
    break_node("error", path="GET /access/permissions", count=1000, status=500)
    assert container.api.read_config(TEMPLATE)["template"] == 1
    assert container.find() is None


def test_a_wrong_token_is_told(memory_node: LabNode) -> None:
    api = api_of(memory_node, api_token_secret="11111111-2222-3333-4444-555555555555")
    with pytest.raises(Exception, match="does not accept the API token winux@pve!portal") as told:
        api.read_list("lxc")
    assert "5555" not in str(told.value)


def test_a_missing_right_is_told(memory_node: LabNode) -> None:
    with pytest.raises(Exception, match=r"may not do this: Permission check failed.*proxmox\.md"):
        api_of(memory_node).write("post", "storage/local/upload", lambda: False, content="vztmpl")


def test_a_certificate_of_somebody_else_is_refused(memory_node: LabNode) -> None:
    with pytest.raises(Exception, match=r"is not trusted.*proxmox_ca_file"):
        api_of(memory_node, ca_file=None).read_list("lxc")


def test_a_locked_template_is_waited_for(
    container: Container, memory_node: LabNode, node_api: Client
) -> None:
    """Clones of one template are serial: the second one waits and does not fail."""
    others = [container_of(memory_node, VMID + 1 + i) for i in range(3)]

    def clone_other(other: Container) -> None:
        other.create(
            f"lxc/{TEMPLATE}/clone", "cloning", newid=other.vmid, hostname="x", pool="winux"
        )

    threads = [threading.Thread(target=clone_other, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    clone(container)
    for thread in threads:
        thread.join()
    assert all(one.find_ours() is not None for one in [container, *others])


def test_an_id_that_is_taken_is_never_touched(container: Container, node_api: Client) -> None:
    create(node_api, VMID, hostname="payroll", description="not ours")
    before = node_api.get(f"/nodes/lab/lxc/{VMID}/config").data
    for act in (container.remove, lambda: clone(container), container.wait_until_whole):
        with pytest.raises(Exception, match=f"id {VMID} is taken by something else"):
            act()
    assert node_api.get(f"/nodes/lab/lxc/{VMID}/config").data == before


def test_the_same_desktop_of_another_portal_is_somebody_elses(
    container: Container, memory_node: LabNode
) -> None:
    clone(container)
    other = container_of(memory_node, VMID, MARK.replace("manual", "other"))
    with pytest.raises(Exception, match="taken by something else"):
        other.remove()


def test_a_container_under_way_is_waited_for_and_then_removed(
    container: Container, memory_node: LabNode
) -> None:
    """A task is never aborted: that leaves locks which only root on the node can remove."""
    names = {"newid": VMID, "hostname": SESSION, "pool": "winux", "description": MARK}
    portal = memory_node.client("portal")
    answer = portal.post(f"/nodes/lab/lxc/{TEMPLATE}/clone", full=1, **names)
    assert answer.status == 200, answer
    assert container.remove() is True
    assert container.find() is None
    tasks = portal.get("/nodes/lab/tasks").data
    clones = [task for task in tasks if task["type"] == "vzclone"]
    assert [task["status"] for task in clones] == ["OK"]


def test_a_running_a_stopped_and_a_gone_one_are_removed(container: Container) -> None:
    clone(container)
    assert container.start() is True
    assert container.start() is False
    assert container.remove() is True
    assert container.remove() is False
    clone(container)
    assert container.remove() is True


@pytest.mark.parametrize("kind", ["drop", "html"])
@pytest.mark.parametrize("path", ["POST .*/status/stop", "DELETE .*/lxc/"])
def test_removing_survives_lost_answers(
    container: Container, break_node: Break, kind: str, path: str
) -> None:
    clone(container)
    container.start()
    break_node(kind, path=path)
    assert container.remove() is True
    assert container.find() is None


def test_a_playbook_tells_the_failure_in_its_message(
    memory_node: LabNode, container: Container, break_node: Break, tmp_path: Path
) -> None:
    break_node("failed-task", path="POST .*/clone", message="no space left on device")
    operator = Operator(tmp_path, memory_node.settings("portal"))
    run = Desktop(SESSION, VMID, operator).create(template_vmid=TEMPLATE)
    assert run.code != 0
    assert f"cloning template {TEMPLATE} to container {VMID} failed: " in run.output
    assert "no space left on device" in run.output
    assert "Traceback" not in run.output


def test_waiting_gives_up_and_says_so(
    container: Container, break_node: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that stays down is reported after a timeout."""
    module = type(container.api).__module__
    monkeypatch.setattr(f"{module}.READ_S", 1.0)
    break_node("error", status=595, count=0)
    began = time.monotonic()
    with pytest.raises(Exception, match="does not answer properly: 595 Connection refused"):
        container.find()
    assert time.monotonic() - began < 10
