"""The playbook removes one old version of a template, and nothing else."""

from pathlib import Path

import pytest

from tests.adapters.lab import TEMPLATE, create, make_template
from tests.lab import ansible
from tests.labnode.server import Client, LabNode
from tests.playbooks.operator import Run


@pytest.fixture
def vmids(node_api: Client) -> list[int]:
    """A template of version 1, and a desktop cloned from it."""
    make_template(node_api)
    clone = node_api.post(f"/nodes/lab/lxc/{TEMPLATE}/clone", newid=20001, pool="winux")
    assert node_api.done(clone) == "OK"
    create(node_api, 500, description="a mail server")
    return [500, 20001, TEMPLATE]


def remove(node: LabNode, folder: Path, vmid: int, version: str = "1", *more: str) -> Run:
    """Run it as the portal's worker and an operator do, with the portal's own token."""
    given = ["-e", f"template_vmid={vmid} template_version={version}", *more]
    return Run.of(ansible("template-remove.yml", node.settings("portal"), folder, *given))


def left(node_api: Client) -> list[int]:
    return sorted(int(row["vmid"]) for row in node_api.get("/nodes/lab/lxc").data)


def test_it_goes_once_and_what_was_cloned_from_it_stays(
    memory_node: LabNode, node_api: Client, vmids: list[int], tmp_path: Path
) -> None:
    rehearsed = remove(memory_node, tmp_path, TEMPLATE, "1", "--check")
    assert (rehearsed.code, rehearsed.changed, left(node_api)) == (0, 1, vmids)
    done = remove(memory_node, tmp_path, TEMPLATE)
    assert (done.code, done.changed) == (0, 1), done.output
    assert left(node_api) == [500, 20001]
    again = remove(memory_node, tmp_path, TEMPLATE)
    assert (again.code, again.changed) == (0, 0), again.output


@pytest.mark.parametrize(("vmid", "version"), [(TEMPLATE, "2"), (20001, "1"), (500, "1")])
def test_what_is_not_that_version_of_a_template_is_refused(
    memory_node: LabNode,
    node_api: Client,
    vmids: list[int],
    tmp_path: Path,
    vmid: int,
    version: str,
) -> None:
    refused = remove(memory_node, tmp_path, vmid, version)
    assert refused.code != 0
    assert f"{vmid} is no published template of version {version}" in refused.output
    assert left(node_api) == vmids
