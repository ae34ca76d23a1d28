"""A desktop can be destroyed by its id alone; nothing else can."""

from pathlib import Path

import pytest

from tests.adapters.lab import create, make_template
from tests.lab import ansible
from tests.labnode.server import Client, LabNode
from tests.playbooks.operator import Run

OURS = "winux: portal=manual desktop=desktop-a1b2c3d4"


@pytest.fixture
def node(memory_node: LabNode, node_api: Client) -> LabNode:
    make_template(node_api)
    return memory_node


def destroy(node: LabNode, folder: Path, variables: str) -> Run:
    """Run the playbook as an operator types it."""
    environment = node.settings("portal")
    return Run.of(ansible("destroy-winux-session.yml", environment, folder, "-e", variables))


def is_there(node_api: Client, vmid: int) -> bool:
    return vmid in [row["vmid"] for row in node_api.get("/nodes/lab/lxc").data]


def test_the_id_alone_suffices_once_and_again(
    node: LabNode, node_api: Client, tmp_path: Path
) -> None:
    create(node_api, 30990, hostname="desktop-a1b2c3d4", description=f"a note\n{OURS}")
    node_api.done(node_api.post("/nodes/lab/lxc/30990/status/start"))
    done = destroy(node, tmp_path, "container_id=30990")
    assert (done.code, done.changed) == (0, 1), done.output
    assert not is_there(node_api, 30990)
    again = destroy(node, tmp_path, "container_id=30990")
    assert (again.code, again.changed) == (0, 0), again.output


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("a mail server", "carries no mark"),
        ("", "carries no mark"),
        ("winux: portal=school desktop=desktop-a1b2c3d4", "of the portal school, not of manual"),
        ("winux-template: name=xfce version=1", "carries no mark"),
        (f"{OURS}\nwinux: portal=school desktop=desktop-b", "carries no mark"),
        ("no winux: portal=manual desktop=desktop-a", "carries no mark"),
    ],
)
def test_what_is_foreign_or_unmarked_is_refused(
    node: LabNode, node_api: Client, tmp_path: Path, description: str, words: str
) -> None:
    create(node_api, 30990, **({"description": description} if description else {}))
    refused = destroy(node, tmp_path, "container_id=30990")
    assert (refused.code != 0, words in refused.output) == (True, True), refused.output
    assert is_there(node_api, 30990)


def test_another_portals_goes_when_that_portal_is_named(
    node: LabNode, node_api: Client, tmp_path: Path
) -> None:
    create(node_api, 30990, description="winux: portal=school desktop=desktop-a1b2c3d4")
    done = destroy(node, tmp_path, "container_id=30990 portal_id=school")
    assert (done.code, is_there(node_api, 30990)) == (0, False), done.output


def test_with_a_name_that_is_not_its_own_it_is_refused(
    node: LabNode, node_api: Client, tmp_path: Path
) -> None:
    create(node_api, 30990, description=OURS)
    refused = destroy(node, tmp_path, "container_id=30990 session_id=desktop-other")
    assert (refused.code != 0, is_there(node_api, 30990)) == (True, True), refused.output


def test_one_of_two_marks_does_not_suffice_with_its_name(
    node: LabNode, node_api: Client, tmp_path: Path
) -> None:
    create(node_api, 30990, description=f"{OURS}\nwinux: portal=school desktop=desktop-b")
    refused = destroy(node, tmp_path, "container_id=30990 session_id=desktop-a1b2c3d4")
    assert (refused.code != 0, is_there(node_api, 30990)) == (True, True), refused.output
