"""An operator at the real lab node, and desktops that go away after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import GoldenTemplate, RealLab
from tests.labnode.server import Client, LabNode
from tests.playbooks.operator import Desktop, Operator


@pytest.fixture(scope="module")
def operator(
    lab_node: RealLab, golden_template: GoldenTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Operator:
    return Operator.on(lab_node, golden_template, tmp_path_factory.mktemp("operator"))


@pytest.fixture
def desktop(operator: Operator) -> Iterator[Desktop]:
    """Names of a desktop; whatever the test makes of it is removed."""
    desktop = operator.new_desktop()
    yield desktop
    run = desktop.destroy()
    assert run.code == 0, run.output


@pytest.fixture(scope="module")
def running(operator: Operator) -> Iterator[Desktop]:
    """A desktop that only gets looked at: made once for all tests of a file."""
    desktop = operator.new_desktop()
    run = desktop.create()
    assert run.code == 0, run.output
    yield desktop
    assert desktop.destroy().code == 0


@pytest.fixture
def memory_node(tmp_path: Path) -> Iterator[LabNode]:
    """A node without containers, for what can go wrong on the way to one."""
    folder = tmp_path / "node"
    folder.mkdir()
    node = LabNode(folder, ["--faults"])
    node.start()
    yield node
    node.stop()


@pytest.fixture
def node_api(memory_node: LabNode) -> Client:
    """Its API, to prepare things and to break them."""
    return memory_node.client()
