"""The official Ansible modules and proxmoxer, unmodified, against the lab node.

They are installed in a virtual environment of their own (see `modules_env.py`). If it is missing,
it is
created here, which takes minutes and 553 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.labnode import modules_env
from tests.labnode.server import Client, LabNode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROXMOX = "community.proxmox.proxmox"


class Modules:
    """Runs one module and returns its result."""

    def __init__(self, place: Path, node: LabNode, folder: Path) -> None:
        self.place, self.folder = place, folder
        settings = node.settings("builder")
        self.common = {
            "api_host": settings["proxmox_api_host"],
            "api_port": int(settings["proxmox_api_port"]),
            "api_user": settings["proxmox_api_user"],
            "api_token_id": settings["proxmox_api_token_id"],
            "api_token_secret": settings["proxmox_api_token_secret"],
            "validate_certs": True,
        }
        self.ca_file = settings["proxmox_ca_file"]

    def __call__(self, module: str, **options: Any) -> dict[str, Any]:
        arguments = self.folder / "arguments.json"
        arguments.write_text(json.dumps({**self.common, **options}))
        task = {"name": "Run it", module: "{{ arguments }}"}
        play = [
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": str(self.place / "bin" / "python")},
                "tasks": [task],
            }
        ]
        playbook = self.folder / "play.json"
        playbook.write_text(json.dumps(play))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_INJECT_FACT_VARS": "False",
            "REQUESTS_CA_BUNDLE": self.ca_file,
        }
        command = [self.place / "bin" / "ansible-playbook", "-i", "localhost,", playbook]
        done = subprocess.run(
            [*command, "-e", json.dumps({"arguments": json.loads(arguments.read_text())})],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
        tasks = json.loads(done.stdout)["plays"][0]["tasks"]
        result: dict[str, Any] = tasks[0]["hosts"]["localhost"]
        return result


@pytest.fixture(scope="module")
def modules(node: LabNode, tmp_path_factory: pytest.TempPathFactory) -> Modules:
    return Modules(modules_env.ensure(), node, tmp_path_factory.mktemp("modules"))


@pytest.mark.sampled(0)
def test_create_from_a_template_archive(modules: Modules, archive: str, builder: Client) -> None:
    result = modules(
        PROXMOX,
        state="present",
        vmid=600,
        node="lab",
        ostemplate=archive,
        disk="local-lab:2",
        hostname="made-by-ansible",
        pool="winux",
        unprivileged=True,
        netif={"net0": "name=eth0,bridge=wxbr0,ip=10.203.0.60/24"},
    )
    assert result["changed"], result
    config = builder.get("/nodes/lab/lxc/600/config").data
    assert (config["hostname"], config["unprivileged"]) == ("made-by-ansible", 1)


def test_a_desktop_from_clone_to_absent(modules: Modules, template: int, builder: Client) -> None:
    lxc = "/nodes/lab/lxc/601"
    cloned = modules(
        PROXMOX,
        state="present",
        clone=template,
        clone_type="linked",
        vmid=601,
        node="lab",
        hostname="cloned",
        pool="winux",
    )
    assert cloned["changed"], cloned
    updated = modules(
        PROXMOX,
        state="present",
        update=True,
        vmid=601,
        node="lab",
        hostname="cloned",
        memory=640,
        cores=2,
        tags=["winux", "demo"],
    )
    assert updated["changed"], updated["msg"]
    config = builder.get(f"{lxc}/config").data
    assert (config["memory"], config["cores"], config["tags"]) == (640, 2, "demo;winux")

    assert modules(PROXMOX, state="started", vmid=601)["changed"]
    assert builder.get(f"{lxc}/status/current").data["status"] == "running"
    assert not modules(PROXMOX, state="started", vmid=601)["changed"]

    info = modules("community.proxmox.proxmox_vm_info", vmid=601, config="current", network=True)
    (row,) = info["proxmox_vms"]
    assert (row["name"], row["status"], row["config"]["memory"]) == ("cloned", "running", 640)
    assert [each["name"] for each in row["network"]] == ["lo", "eth0"][: len(row["network"])]

    assert modules(PROXMOX, state="stopped", vmid=601, force=True)["changed"]
    assert builder.get(f"{lxc}/status/current").data["status"] == "stopped"
    assert modules(PROXMOX, state="absent", vmid=601)["changed"]
    assert not modules(PROXMOX, state="absent", vmid=601)["changed"]
    assert 601 not in [each["vmid"] for each in builder.get("/nodes/lab/lxc").data]


@pytest.mark.sampled(0)
def test_snapshots(modules: Modules, builder: Client, make: Callable[[int], int]) -> None:
    make(610)
    snap = "community.proxmox.proxmox_snap"
    made = modules(snap, vmid=610, snapname="before", state="present")
    assert made.get("changed"), made.get("msg")
    names = [row["name"] for row in builder.get("/nodes/lab/lxc/610/snapshot").data]
    assert names == ["before", "current"]
    assert modules(snap, vmid=610, snapname="before", state="absent")["changed"]


def test_refusals_reach_the_person(modules: Modules, template: int) -> None:
    result = modules(
        PROXMOX, state="present", clone=template, vmid=602, node="lab", hostname="outside"
    )
    assert result["failed"]
    assert "403 Forbidden: Permission check failed" in result["msg"]


@pytest.mark.sampled(0)
def test_wrong_secrets_reach_the_person(modules: Modules) -> None:
    wrong = "00000000-0000-0000-0000-000000000000"
    result = modules(PROXMOX, state="started", vmid=600, api_token_secret=wrong)
    assert result["failed"]
    assert "invalid token value" in result["msg"]
