"""Concurrent requests: locks, races, and running tasks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.labnode.server import Client

LXC = "/nodes/lab/lxc"


def test_of_parallel_clones_of_one_template_one_succeeds(portal: Client, template: int) -> None:
    def clone(newid: int) -> str:
        answer = portal.post(f"{LXC}/{template}/clone", newid=newid, pool="winux")
        return answer.data if answer.status == 200 else f"{answer.status} {answer.reason}"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(clone, range(30010, 30014)))
    started = [answer for answer in answers if answer.startswith("UPID")]
    assert len(started) == 1
    assert sorted(set(answers) - set(started)) == ["500 CT is locked (disk)"]
    assert portal.wait(started[0]) == "OK"
    again = portal.post(f"{LXC}/{template}/clone", newid=30020, pool="winux")
    assert portal.done(again) == "OK"


def test_two_clones_of_two_templates_run_side_by_side(
    portal: Client, builder: Client, make: Callable[..., int], template: int
) -> None:
    second = make(29002)
    assert builder.post(f"{LXC}/{second}/template").status == 200
    first = portal.post(f"{LXC}/{template}/clone", newid=30021, pool="winux")
    other = portal.post(f"{LXC}/{second}/clone", newid=30022, pool="winux")
    assert (first.status, other.status) == (200, 200)
    assert [portal.wait(each.data) for each in (first, other)] == ["OK", "OK"]


def test_a_container_is_locked_while_it_is_made(
    builder: Client, root: Client, archive: str
) -> None:
    options = {"ostemplate": archive, "rootfs": "local-lab:4", "pool": "winux"}
    answer = builder.post(LXC, vmid=29010, **options)
    assert answer.status == 200
    # It joins the pool at the end; until then a token of the pool gets a permission error.
    assert builder.get(f"{LXC}/29010/config").status == 403
    path = f"{LXC}/29010"
    assert root.get(f"{path}/status/current").data["lock"] == "create"
    for answer_ in (root.delete(path, force=1), root.post(f"{path}/template")):
        assert (answer_.status, answer_.reason) == (500, "CT is locked (create)")
    again = builder.post(LXC, vmid=29010, **options)
    assert again.reason == "CT 29010 already exists on node 'lab'"
    assert builder.get("/cluster/nextid", vmid=29010).json["errors"] == {
        "vmid": "VM 29010 already exists"
    }
    assert builder.wait(answer.data) == "OK"
    assert "lock" not in builder.get(f"{path}/config").data


def test_of_parallel_creates_of_one_vmid_one_wins(builder: Client, archive: str) -> None:
    options = {"ostemplate": archive, "rootfs": "local-lab:4", "pool": "winux", "vmid": 29011}

    def create(_: int) -> int:
        return builder.post(LXC, **options).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(create, range(4)))
    assert statuses == [200, 500, 500, 500]


def test_a_second_change_waits_for_the_lock_file(portal: Client, make: Callable[..., int]) -> None:
    vmid = make(29012)
    upid = portal.post(f"{LXC}/{vmid}/status/start").data
    assert portal.put(f"{LXC}/{vmid}/config", description="meanwhile").status == 200
    assert portal.wait(upid) == "OK"


def test_a_task_runs_in_the_background_and_is_listed(
    builder: Client, make: Callable[..., int]
) -> None:
    vmid = make(29013)
    upid = builder.post(f"{LXC}/{vmid}/status/start").data
    assert builder.get(f"/nodes/lab/tasks/{upid}/status").data["status"] == "running"
    active = builder.get("/nodes/lab/tasks", source="active").data
    assert [(row["upid"], row["status"]) for row in active] == [(upid, "RUNNING")]
    assert builder.wait(upid) == "OK"
    newest = builder.get("/nodes/lab/tasks", vmid=vmid, limit=1).data[0]
    assert (newest["upid"], newest["status"]) == (upid, "OK")
    log = builder.get(f"/nodes/lab/tasks/{upid}/log").json
    assert log == {"data": [{"n": 1, "t": "TASK OK"}], "total": 1}


def test_an_interrupted_clone_leaves_nothing_behind(portal: Client, template: int) -> None:
    upid = portal.post(f"{LXC}/{template}/clone", newid=30030, pool="winux").data
    assert portal.delete(f"/nodes/lab/tasks/{upid}").status == 200
    assert portal.wait(upid) == "clone failed: interrupted by signal"
    assert portal.get(f"{LXC}/30030/config").status == 403
    assert "lock" not in portal.get(f"{LXC}/{template}/config").data


def test_tasks_that_are_none(builder: Client) -> None:
    garbage = builder.get("/nodes/lab/tasks/UPID:garbage/status")
    assert garbage.json["errors"] == {"upid": "unable to parse worker upid"}
    unknown = "UPID:lab:0000016B:0007E32C:6B010A2D:vzcreate:777:winux@pve!builder:"
    assert builder.get(f"/nodes/lab/tasks/{unknown}/status").json["errors"] == {
        "upid": "no such task"
    }
    assert builder.get(f"/nodes/lab/tasks/{unknown}/log").data == {}
    other = builder.get("/nodes/other/lxc")
    assert other.status == 500
    assert other.reason.startswith("hostname lookup 'other' failed")
