"""An operator at the real lab node, and desktops that are removed after the test."""

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
    """The names of a desktop; it is removed after the test."""
    desktop = operator.new_desktop()
    yield desktop
    run = desktop.destroy()
    assert run.code == 0, run.output


@pytest.fixture(scope="module")
def running(operator: Operator) -> Iterator[Desktop]:
    """A desktop for tests that only read it: created once for all tests of a file."""
    desktop = operator.new_desktop()
    run = desktop.create()
    assert run.code == 0, run.output
    yield desktop
    assert desktop.destroy().code == 0


@pytest.fixture
def memory_node(tmp_path: Path) -> Iterator[LabNode]:
    """A node with simulated containers, to test failures of a build."""
    folder = tmp_path / "node"
    folder.mkdir()
    node = LabNode(folder, ["--faults"])
    node.start()
    yield node
    node.stop()


@pytest.fixture
def node_api(memory_node: LabNode) -> Client:
    """A client of its API, to prepare objects and to set faults."""
    return memory_node.client()
