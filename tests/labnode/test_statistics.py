"""With `--statistics`, lists of the cluster show what the statistics daemon saw last."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.labnode.conftest import upload_archive
from tests.labnode.server import Client, LabNode

LXC = "/nodes/lab/lxc"


@pytest.fixture(scope="module")
def lagging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("lagging")
    (folder / "state").mkdir()
    node = LabNode(folder / "state", ["--faults", "--statistics", "3600"]).start()
    client = node.client()
    wanted = {"rootfs": "local-lab:4", "pool": "winux", "hostname": "one"}
    try:
        made = client.post(LXC, vmid=501, ostemplate=upload_archive(client, folder), **wanted)
        assert client.done(made) == "OK"
        assert client.put(f"{LXC}/501/config", tags="b;a").status == 200
        yield client
    finally:
        node.stop()


def rows(client: Client) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = client.get("/cluster/resources", type="vm").data
    return listed


def look(client: Client) -> None:
    assert client("PUT", "/labnode/statistics", is_whole=True).status == 200


def test_a_new_container_is_unknown_until_the_daemon_looks(lagging: Client) -> None:
    names = {"id": "lxc/501", "node": "lab", "type": "lxc", "vmid": 501}
    assert rows(lagging) == [{**names, "status": "unknown", "tags": "a;b", "pool": "winux"}]
    assert lagging.get(f"{LXC}/501/status/current").data["status"] == "stopped"
    look(lagging)
    assert (rows(lagging)[0]["status"], rows(lagging)[0]["name"]) == ("stopped", "one")


def test_a_change_is_seen_late_and_a_removal_at_once(lagging: Client) -> None:
    look(lagging)
    assert lagging.done(lagging.post(f"{LXC}/501/status/start")) == "OK"
    assert lagging.put(f"{LXC}/501/config", hostname="two", tags="c").status == 200
    assert [rows(lagging)[0][key] for key in ("status", "name", "tags")] == ["stopped", "one", "c"]
    look(lagging)
    assert (rows(lagging)[0]["status"], rows(lagging)[0]["name"]) == ("running", "two")
    assert lagging.done(lagging.delete(f"{LXC}/501", force=1)) == "OK"
    assert rows(lagging) == []


def test_the_daemon_looks_by_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("looking")
    (folder / "state").mkdir()
    node = LabNode(folder / "state", ["--statistics", "0.2"]).start()
    try:
        client = node.client()
        wanted = {"ostemplate": upload_archive(client, folder), "rootfs": "local-lab:4"}
        assert client.done(client.post(LXC, vmid=502, pool="winux", **wanted)) == "OK"
        give_up = time.monotonic() + 20
        while rows(client)[0]["status"] != "stopped":
            assert time.monotonic() < give_up
            time.sleep(0.05)
    finally:
        node.stop()
