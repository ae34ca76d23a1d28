"""What a killed template build leaves on the node, and how the next build handles it."""

from pathlib import Path

import pytest

from tests.adapters.lab import create, make_template
from tests.lab import ansible
from tests.labnode.server import Client, LabNode
from tests.playbooks.actions import COLLECTIONS
from tests.playbooks.operator import Run

VERSION = "202603020900.1a2b3c4d"
DRAFT = f"winux-template-draft: name=xfce version={VERSION}"
TRIAL = "winux: portal=template-build desktop=desktop-template-try"
#: Ids for a build: templates get the first free one, the test clone the last.
FIRST, LAST = 29001, 29099
PLAY = f"""
- name: Make the container of a template
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make it
      winux.proxmox.container_create:
        name: xfce
        version: {VERSION}
        archive: local:vztmpl/nothing.tar.zst
        pool: winux
        storage: local-lab
        bridge: wxbr0
      register: made
    - name: Tell
      ansible.builtin.debug:
        msg: "vmid={{{{ made.vmid }}}} spare={{{{ made.spare_vmid }}}}"
  module_defaults:
    group/winux.proxmox.api: "{{{{ proxmox_connection }}}}"
"""


@pytest.fixture
def build(memory_node: LabNode, node_api: Client, tmp_path: Path) -> Run:
    """Run one build up to the test of the template, after a killed one."""
    make_template(node_api)
    create(node_api, 29002, description=DRAFT)
    create(node_api, LAST, description=TRIAL)
    assert node_api.done(node_api.post(f"/nodes/lab/lxc/{LAST}/status/start")) == "OK"
    create(node_api, 29098, description="winux: portal=manual desktop=desktop-1")
    play = tmp_path / "play.yml"
    play.write_text(PLAY)
    environment = memory_node.settings("builder") | {"ANSIBLE_COLLECTIONS_PATH": COLLECTIONS}
    return Run.of(ansible(str(play), environment, tmp_path))


def test_the_next_build_removes_a_trial_clone_and_a_half_made_template(
    build: Run, node_api: Client
) -> None:
    assert build.code == 0, build.output
    assert f"vmid=29002 spare={LAST}" in build.output
    left = {int(row["vmid"]): row for row in node_api.get("/nodes/lab/lxc").data}
    assert sorted(left) == [FIRST, 29002, 29098]
    assert left[29002]["template"] == 1
