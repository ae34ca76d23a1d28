"""The documented rights are the least that work, and each missing one is reported by name.

Runs the whole life of a template and of a desktop on a node whose token lacks one right.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labnode.access import Access
from labnode.setup import ROLES as LAB_ROLES
from labnode.setup import USER, grants
from labnode.store import Store
from tests.adapters.lab import create, make_template
from tests.lab import ANSIBLE, PLAYBOOKS, ROOT, ansible
from tests.labnode.server import LabNode
from tests.playbooks.operator import Run
from webapp.domain.upkeep.rights import ROLES, UPLOAD

PLAYBOOK = Path(__file__).with_name("life.yml")
#: Rights without which a life is limited but possible.
OPTIONAL = {"Sys.Audit"}
PORTAL = sorted({right for role in ROLES.values() for right in role} - OPTIONAL)
BUILDER = sorted(UPLOAD)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """A node with a token for each right, which lacks that right."""
    folder = tmp_path_factory.mktemp("rights") / "node"
    folder.mkdir()
    lab = LabNode(folder, ["--faults"]).start()
    lab.stop()
    access = Access(Store(folder / "state.sqlite"))
    bridge = lab.settings()["proxmox_bridge"]
    for kind, rights in (("portal", PORTAL), ("builder", BUILDER)):
        for right in rights:
            _make_weak_token(access, kind, right, bridge)
    yield lab.start()
    lab.stop()


def _make_weak_token(access: Access, kind: str, lacks: str, bridge: str) -> None:
    token = _name(kind, lacks)
    access.add_token(USER, token, _secret(token))
    for path, role in grants(bridge)[kind]:
        weak = f"{role}-{token}"
        access.roles.put(weak, {"privs": [one for one in LAB_ROLES[role] if one != lacks]})
        access.grant(path, [weak], "tokens", [f"{USER}!{token}"])


def _name(kind: str, lacks: str) -> str:
    return f"{kind}-{lacks.replace('.', '-')}"


def _secret(token: str) -> str:
    return f"the secret of {token}"


@pytest.fixture
def empty(node: LabNode) -> Iterator[LabNode]:
    """Remove everything from the node."""
    yield node
    client = node.client()
    for row in client.get("/nodes/lab/lxc").data:
        if row["status"] == "running":
            client.done(client.post(f"/nodes/lab/lxc/{row['vmid']}/status/stop"))
        assert client.done(client.delete(f"/nodes/lab/lxc/{row['vmid']}")) == "OK"


@dataclass(frozen=True)
class Life:
    """Run a part of the life with a token."""

    node: LabNode
    folder: Path

    def run(self, kind: str, lacks: str = "") -> Run:
        token = {"proxmox_api_token_id": _name(kind, lacks)} if lacks else {}
        secret = {"proxmox_api_token_secret": _secret(_name(kind, lacks))} if lacks else {}
        archive = self.folder / "archive"
        archive.write_bytes(b"nothing")
        variables = {"part": kind, "archive": str(archive)}
        command = [str(ANSIBLE), "-i", str(ROOT / "inventory/lab"), str(PLAYBOOK)]
        path = {
            "PATH": f"{ANSIBLE.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(PLAYBOOKS / "collections"),
        }
        done = subprocess.run(
            [*command, "-e", json.dumps(variables)],
            cwd=self.folder,
            env=path | self.node.settings(kind) | token | secret,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Run.of(done)


@pytest.fixture
def life(empty: LabNode, tmp_path: Path) -> Life:
    return Life(empty, tmp_path)


def test_with_the_documented_rights_everything_works(life: Life) -> None:
    built = life.run("builder")
    assert built.code == 0, built.output
    client = life.node.client()
    assert client.get("/nodes/lab/storage/local/content").data == []
    assert client.get("/nodes/lab/lxc/29001/firewall/options").data["ipfilter"] == 1
    lived = life.run("portal")
    assert lived.code == 0, lived.output
    assert client.get("/nodes/lab/lxc").data == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("right", PORTAL)
def test_without_one_a_desktop_cannot_live_and_the_right_is_named(life: Life, right: str) -> None:
    assert life.run("builder").code == 0
    run = life.run("portal", right)
    assert run.code != 0, run.output
    assert right in run.output
    assert "no published template" not in run.output


@pytest.mark.sampled(1)
@pytest.mark.parametrize("right", BUILDER)
def test_without_one_a_template_is_not_built_well_and_the_right_is_named(
    life: Life, right: str
) -> None:
    run = life.run("builder", right)
    assert right in run.output
    left = [row["volid"] for row in life.node.client().get("/nodes/lab/storage/local/content").data]
    if right == "Datastore.Allocate":  # it exists, and a warning names the archive
        assert (run.code, len(left)) == (0, 1), run.output
        life.node.client().delete(f"/nodes/lab/storage/local/content/{left[0]}")
    else:
        assert (run.code != 0, left) == (True, []), run.output


def test_a_token_that_sees_nothing_does_not_take_a_desktop_for_gone(life: Life) -> None:
    make_template(life.node.client())
    create(life.node.client(), 20001, description="winux: portal=manual desktop=desktop-life")
    weak = {
        "proxmox_api_token_id": _name("portal", "VM.Audit"),
        "proxmox_api_token_secret": _secret(_name("portal", "VM.Audit")),
    }
    variables = "session_id=desktop-life container_id=20001"
    environment = life.node.settings("portal") | weak
    run = Run.of(ansible("destroy-winux-session.yml", environment, life.folder, "-e", variables))
    assert (run.code != 0, "lacks the right VM.Audit" in run.output) == (True, True), run.output
