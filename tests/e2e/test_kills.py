"""Kills during the life of real containers: a smaller form of the chaos test (docs/chaos.md).

The worker and its playbook die together when a task begins, or the node dies during a call. A new
worker, or the restarted node, must complete the work and leave nothing behind.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.rdp_probe import answers
from setup.page_client import PageClient
from tests.chaos.plugins import task_trap
from tests.e2e.site import Site, wait_until
from tests.lab import PLAYBOOKS

pytestmark = [pytest.mark.lab, pytest.mark.slow]

#: Tasks of the playbooks, from the first one to the end of the play: checks, clone, size, start, …
OF_BUILD = (0, 2, 5, 8, 11, 14)
OF_REMOVAL = (0, 1, 2)
CALLS = (
    "POST .*/clone$",
    "POST .*/status/start$",
    "POST .*/lxc/{vmid}/status/stop$",
    "DELETE .*/lxc/{vmid}",
)


class Trap:
    """Playbooks with a trap, for the site's worker."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site = site
        shutil.copytree(PLAYBOOKS, folder)  # it contains a link to files outside
        (folder / "callback_plugins").mkdir()
        shutil.copy(Path(task_trap.__file__), folder / "callback_plugins")
        self._file = folder / "trap.json"

    def set(self, at: int) -> None:
        self._file.write_text(json.dumps({"at": at, "victim": "all"}))

    def wait(self) -> None:
        """Wait for the kill, and start a new worker, as systemd does. Beyond the last task there is
        none."""
        (worker,) = self._site.workers
        wait_until(lambda: not self._file.exists(), "the trap falls")
        worker.process.wait(10)
        self._site.workers.remove(worker)
        self._site.start_worker()


@pytest.fixture
def trap(site: Site, tmp_path: Path) -> Iterator[Trap]:
    trap = Trap(site, tmp_path / "playbooks")
    environment = site.portal.environment
    before = environment.get("WINUX_PLAYBOOKS_DIR")
    environment["WINUX_PLAYBOOKS_DIR"] = str(tmp_path / "playbooks")
    _new_worker(site)
    yield trap
    if before is None:
        del environment["WINUX_PLAYBOOKS_DIR"]
    else:
        environment["WINUX_PLAYBOOKS_DIR"] = before
    _new_worker(site)


@pytest.fixture
def alice(site: Site) -> PageClient:
    visitor = PageClient(site.url)
    visitor.sign_in("alice", site.passwords["alice"])
    return visitor


@pytest.mark.sampled(1)
@pytest.mark.parametrize("at", OF_BUILD)
def test_a_build_whose_worker_died_at_a_task_is_finished_by_the_next(
    site: Site, trap: Trap, alice: PageClient, at: int
) -> None:
    trap.set(at)
    made = _launch(alice)
    trap.wait()
    _use_and_stop(site, made)


@pytest.mark.sampled(0)
@pytest.mark.parametrize("at", OF_REMOVAL)
def test_a_removal_whose_worker_died_at_a_task_is_finished_by_the_next(
    site: Site, trap: Trap, alice: PageClient, at: int
) -> None:
    made = _launch(alice)
    site.wait_for_state(made, "ready")
    row = site.desktop(made)
    trap.set(at)
    site.portal.stop_desktop(made)
    trap.wait()
    site.wait_for_state(made, "ended")
    assert site.leftovers(row) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("call", CALLS)
def test_a_node_that_died_in_a_call_and_came_back_keeps_nothing(
    site: Site, alice: PageClient, call: str
) -> None:
    made = ""
    if "clone" not in call and "start" not in call:
        made = _launch(alice)
        site.wait_for_state(made, "ready")
        # only of this desktop: one of an earlier test may be ending
        call = call.format(vmid=site.desktop(made)["vmid"])
    fault = [{"kind": "late-crash", "path": call}]
    answer = site.node()("PUT", "/labnode/faults", None, is_whole=True, json=fault)
    assert answer.status == 200, answer
    if made:
        site.portal.stop_desktop(made)
    else:
        made = _launch(alice)
    process = site.lab.process
    assert process
    wait_until(lambda: process.poll() is not None, "the node dies")
    site.lab.start()
    site.wait_for_state(made, "ready", "ended")
    if site.desktop(made)["state"] == "ready":
        _use_and_stop(site, made)
    else:
        assert site.desktop(made)["end_reason"] in ("failed", "admin", "asked")
        assert site.desktop(made)["failure"] or site.desktop(made)["end_reason"] != "failed"
    assert made not in site.containers().values()


def _launch(person: PageClient) -> str:
    return person.click_launch().rpartition("/")[2]


def _use_and_stop(site: Site, public_id: str) -> None:
    site.wait_for_state(public_id, "ready")
    row = site.desktop(public_id)
    assert answers(row["address"], timeout_s=5)
    site.portal.stop_desktop(public_id)
    site.wait_for_state(public_id, "ended")
    assert site.leftovers(row) == []


def _new_worker(site: Site) -> None:
    """Start a worker that reads its settings again."""
    for worker in list(site.workers):
        site.stop_worker(worker)
    site.start_worker()
