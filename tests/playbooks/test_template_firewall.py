"""The firewall of a template, which every clone copies, as an administrator reads it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.lab import TEMPLATE, create, make_template
from tests.lab import ANSIBLE, PLAYBOOKS, ROOT
from tests.labnode.server import Client, LabNode
from tests.playbooks.operator import Run

FIREWALL = f"/nodes/lab/lxc/{TEMPLATE}/firewall"


@dataclass(frozen=True)
class Builder:
    """Run the role's task as template-build.yml does."""

    node: LabNode
    folder: Path

    def write(self, *options: str, **given: Any) -> Run:
        asked = {"vmid": TEMPLATE, "name": "xfce", "version": "1", "sources": ["10.203.0.1"]}
        task = {"winux.proxmox.template_firewall": asked | given}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/winux.proxmox.api": "{{ proxmox_connection }}"},
            "tasks": [task],
        }
        (self.folder / "play.yml").write_text(json.dumps([play]))
        environment = self.node.settings("builder") | {
            "PATH": f"{ANSIBLE.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(PLAYBOOKS / "collections"),
        }
        done = subprocess.run(
            [str(ANSIBLE), "-i", str(ROOT / "inventory/lab"), "play.yml", *options],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Run.of(done)


@pytest.fixture
def builder(memory_node: LabNode, node_api: Client, tmp_path: Path) -> Builder:
    make_template(node_api)
    card = f"name=eth0,bridge={memory_node.settings()['proxmox_bridge']},ip=manual,type=veth"
    assert node_api.put(f"/nodes/lab/lxc/{TEMPLATE}/config", net0=card).status == 200
    return Builder(memory_node, tmp_path)


def sources(node_api: Client) -> list[str]:
    return [rule["source"] for rule in node_api.get(f"{FIREWALL}/rules").data]


def test_it_is_switched_on_with_one_way_in_and_a_second_run_changes_nothing(
    builder: Builder, node_api: Client
) -> None:
    rehearsed = builder.write("--check")
    assert (rehearsed.code, rehearsed.changed, sources(node_api)) == (0, 1, [])
    first = builder.write()
    assert (first.code, first.changed) == (0, 1), first.output
    options = node_api.get(f"{FIREWALL}/options").data
    assert (options["enable"], options["ipfilter"], options["policy_in"]) == (1, 1, "DROP")
    [rule] = node_api.get(f"{FIREWALL}/rules").data
    assert (rule["dport"], rule["source"], rule["enable"]) == ("22,3389", "10.203.0.1", 1)
    assert "firewall=1" in node_api.get(f"/nodes/lab/lxc/{TEMPLATE}/config").data["net0"]
    again = builder.write()
    assert (again.code, again.changed) == (0, 0), again.output


def test_other_addresses_replace_those_before_and_an_administrators_rule_stays(
    builder: Builder, node_api: Client
) -> None:
    assert builder.write().code == 0
    node_api.post(f"{FIREWALL}/rules", type="in", action="ACCEPT", source="10.9.9.9")
    assert builder.write(sources=["10.203.0.1", "10.30.0.0/24"]).changed == 1
    assert sources(node_api) == ["10.203.0.1,10.30.0.0/24", "10.9.9.9"]


def test_this_machines_own_address_is_let_in_if_none_is_given(
    builder: Builder, node_api: Client
) -> None:
    run = builder.write(sources=[], network="127.0.0.0/24")
    assert (run.code, sources(node_api)) == (0, ["127.0.0.1"]), run.output


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sources": ["portal.example.org"]}, "is no address or network"),
        ({"sources": [], "network": None}, "portal_addresses"),
        ({"vmid": 500}, "500 is taken by something else"),
        ({"version": "2"}, "is taken by something else"),
        ({"vmid": 29090}, "29090 is not there"),
    ],
)
def test_what_makes_no_sense_is_refused(
    builder: Builder, node_api: Client, given: dict[str, Any], words: str
) -> None:
    create(node_api, 500, description="a mail server")
    run = builder.write(**given)
    assert (run.code != 0, words in run.output) == (True, True), run.output
    assert sources(node_api) == []
