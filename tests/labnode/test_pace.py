"""With a real node's timing, slow operations lock as long, and an interrupted create keeps its
lock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from labnode.pace import CONFIG_ANSWER_S, READ_S
from tests.labnode.conftest import upload_archive
from tests.labnode.server import Client, LabNode

LXC = "/nodes/lab/lxc"
PACE = "0.5"


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("paced")
    (folder / "state").mkdir()
    node = LabNode(folder / "state", ["--pace", PACE]).start()
    client = node.client()
    wanted = {"rootfs": "local-lab:4", "pool": "winux"}
    made = client.post(LXC, vmid=29001, ostemplate=upload_archive(client, folder), **wanted)
    assert client.done(made) == "OK"
    assert client.post(f"{LXC}/29001/template").status == 200
    yield client
    node.stop()


def clone(client: Client, newid: int) -> tuple[int, str]:
    answer = client.post(f"{LXC}/29001/clone", newid=newid, pool="winux")
    if answer.status != 200:
        return answer.status, answer.json["message"]
    return answer.status, answer.data


def test_of_three_clones_of_a_template_at_once_one_is_made(paced: Client) -> None:
    with ThreadPoolExecutor(3) as people:
        answers = list(people.map(lambda newid: clone(paced, newid), (501, 502, 503)))
    made = [upid for status, upid in answers if status == 200]
    assert len(made) == 1, answers
    assert [text for status, text in answers if status == 500] == ["CT is locked (disk)\n"] * 2
    assert paced.wait(made[0]) == "OK"
    assert clone(paced, 504)[0] == 200


def test_a_template_cannot_be_deleted_while_it_is_cloned(paced: Client) -> None:
    time.sleep(1)  # the clone of the previous test
    status, upid = clone(paced, 510)
    assert status == 200
    refused = paced.delete(f"{LXC}/29001")
    assert (refused.status, refused.json["message"]) == (500, "CT is locked (disk)\n")
    assert paced.wait(upid) == "OK"


def test_a_started_container_shows_its_address_later(paced: Client) -> None:
    net = "name=eth0,bridge=wxbr0,ip=10.203.0.9/24"
    status, upid = clone(paced, 520)
    assert (status, paced.wait(upid)) == (200, "OK")
    assert paced.put(f"{LXC}/520/config", net0=net).status == 200
    assert paced.done(paced.post(f"{LXC}/520/status/start")) == "OK"

    def addresses() -> list[str]:
        return [each.get("inet", "") for each in paced.get(f"{LXC}/520/interfaces").data]

    assert "10.203.0.9/24" not in addresses()
    give_up = time.monotonic() + 10
    while "10.203.0.9/24" not in addresses():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_an_interrupted_create_leaves_a_locked_container(paced: Client) -> None:
    wanted = {"ostemplate": "local:vztmpl/base_1.tar.zst", "rootfs": "local-lab:4", "pool": "winux"}
    upid = paced.post(LXC, vmid=530, **wanted).data
    assert paced.delete(f"/nodes/lab/tasks/{upid}").status == 200
    assert paced.wait(upid) == "unexpected status"
    refused = paced.post(LXC, vmid=530, **wanted)
    message = "CT 530 already exists on node 'lab'\n"
    assert (refused.status, refused.json["message"]) == (500, message)


def test_an_answer_takes_the_time_that_was_recorded(paced: Client) -> None:
    began = time.monotonic()
    assert paced.get(f"{LXC}/29001/config").status == 200
    read = time.monotonic() - began
    paced.put(f"{LXC}/29001/config", memory=512)
    assert read >= READ_S * float(PACE)
    assert time.monotonic() - began >= (READ_S + CONFIG_ANSWER_S) * float(PACE)
