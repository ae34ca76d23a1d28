"""Reading Proxmox: what exists, what is gone, and all that must not be mistaken for gone."""

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.lab import TEMPLATE, create, environment_of, fault
from tests.labnode.server import LabNode
from webapp.adapters.proxmox import ProxmoxHypervisor
from webapp.config import load
from webapp.domain.errors import OutsideFailed
from webapp.settings.proxmox import ProxmoxConfig

RANGE = range(30001, 31000)
MARK = "winux: portal=tests desktop=desktop-0a1b2c3d"


@pytest.fixture
def config(lab: LabNode, tmp_path: Path) -> ProxmoxConfig:
    return load(environment_of(lab, tmp_path)).proxmox


@pytest.fixture
def hypervisor(config: ProxmoxConfig) -> ProxmoxHypervisor:
    return ProxmoxHypervisor(config)


def test_a_container_is_shown_as_it_is(
    lab: LabNode, config: ProxmoxConfig, hypervisor: ProxmoxHypervisor
) -> None:
    net = f"name=eth0,bridge={config.bridge},ip=10.203.0.64/24,gw=10.203.0.1"
    create(lab.client(), 30001, hostname="desktop-0a1b2c3d", description=MARK, net0=net)
    container = hypervisor.container(30001)
    assert container
    assert (container.description or "").strip() == MARK
    assert (container.name, container.is_running, container.is_template) == (
        "desktop-0a1b2c3d",
        False,
        False,
    )
    assert container.address == "10.203.0.64/24"
    client = lab.client()
    assert client.done(client.post("/nodes/lab/lxc/30001/status/start")) == "OK"
    listed = hypervisor.containers(RANGE)
    assert list(listed) == [30001]
    assert listed[30001].is_running
    assert (hypervisor.container(TEMPLATE) or container).is_template


def test_a_container_that_does_not_exist_is_none(hypervisor: ProxmoxHypervisor) -> None:
    assert hypervisor.container(30999) is None


def test_gone_is_believed_of_a_403_when_the_token_sees_the_pool(
    lab: LabNode, hypervisor: ProxmoxHypervisor
) -> None:
    text = "Permission check failed (/vms/30999, VM.Audit)"
    fault(lab, "error", path="/lxc/30999/config", status=403, reason=text)
    assert hypervisor.container(30999) is None


def test_a_403_for_a_container_in_the_list_is_not_gone(
    lab: LabNode, hypervisor: ProxmoxHypervisor
) -> None:
    create(lab.client(), 30001, hostname="desktop-0a1b2c3d")
    fault(lab, "error", path="/lxc/30001/config", status=403, reason="Permission check failed")
    with pytest.raises(OutsideFailed, match="403"):
        hypervisor.container(30001)


def test_does_not_exist_is_not_believed_while_the_list_fails_or_is_empty(
    lab: LabNode, hypervisor: ProxmoxHypervisor
) -> None:
    fault(lab, "empty-list", path="GET /nodes/lab/lxc$")
    with pytest.raises(OutsideFailed, match="not even a template"):
        hypervisor.container(30999)
    with pytest.raises(OutsideFailed, match="not even a template"):
        hypervisor.containers(RANGE)


@pytest.mark.parametrize(
    ("kind", "how", "words"),
    [
        ("error", {"status": 500, "reason": "got timeout"}, "500: got timeout"),
        ("error", {"status": 595}, "595"),
        ("error", {"status": 401}, "Check the API token"),
        ("error", {"status": 501}, "501"),
        ("html", {}, "does not speak its API|502"),
        ("drop", {}, "cannot be reached"),
        ("slow", {"delay": 30}, "did not answer in time"),
    ],
)
def test_whatever_goes_wrong_is_a_failure_and_never_an_answer(
    lab: LabNode, hypervisor: ProxmoxHypervisor, kind: str, how: dict[str, object], words: str
) -> None:
    hypervisor.containers(RANGE)  # the connection is already open
    fault(lab, kind, **how)
    began = time.monotonic()
    for call in (lambda: hypervisor.containers(RANGE), lambda: hypervisor.container(30999)):
        with pytest.raises(OutsideFailed, match=words):
            call()
    assert time.monotonic() - began < 15


def test_a_node_that_restarts_is_found_again(lab: LabNode, hypervisor: ProxmoxHypervisor) -> None:
    hypervisor.containers(RANGE)
    lab.kill()
    with pytest.raises(OutsideFailed, match="cannot be reached"):
        hypervisor.containers(RANGE)
    lab.start()
    assert hypervisor.containers(RANGE) == {}


def test_a_wrong_token_is_said(config: ProxmoxConfig) -> None:
    wrong = replace(config, token_secret="00000000-0000-0000-0000-000000000000")
    with pytest.raises(OutsideFailed, match="401"):
        ProxmoxHypervisor(wrong).containers(RANGE)


def test_a_certificate_that_is_not_trusted_is_refused(config: ProxmoxConfig) -> None:
    with pytest.raises(OutsideFailed, match="not trusted"):
        ProxmoxHypervisor(replace(config, ca_file=None)).containers(RANGE)


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for_long(
    config: ProxmoxConfig,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(OutsideFailed, match=r"in time|cannot be reached"):
            ProxmoxHypervisor(replace(config, port=port)).containers(RANGE)
        assert time.monotonic() - began < 12


def test_several_threads_may_ask_at_once(hypervisor: ProxmoxHypervisor) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(len(hypervisor.containers(RANGE))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [0] * 8
