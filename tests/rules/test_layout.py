"""The layout: few files in a folder, no long files, and the same capability names everywhere."""

import ast
from collections import Counter

import pytest

from tests.rules.files import ROOT, project_files

#: Maximum number of modules in a folder, and of lines in a file and in a class.
IN_A_FOLDER, IN_A_FILE, IN_A_CLASS = 15, 300, 200

#: Folders that may contain more: one module for each table, command, page, resource or probe.
LARGER_FOLDERS = {
    "labnode",
    "setup",
    "webapp/adapters",
    "webapp/cli",
    "webapp/models",
}
#: Files that may be longer.
LONGER_FILES = {
    "labnode/__main__.py",
    "labnode/access.py",
    "labnode/containers.py",
    "webapp/adapters/ansible.py",
    "webapp/adapters/ansible_run.py",
    "webapp/adapters/proxmox.py",
    "webapp/api/desktops/routes.py",
    "webapp/domain/upkeep/drift.py",
    "webapp/ports.py",
    "webapp/services/desktops/views.py",
    "webapp/services/provisioning/build.py",
    "webapp/services/upkeep/reconcile.py",
    "webapp/web/desktops/view.py",
}
#: Classes that may be longer.
LONGER_CLASSES = {
    "labnode/access.py: Access",
    "labnode/containers.py: LxcBackend",
    "labnode/guests.py: Guests",
    "labnode/storage.py: Storage",
    "webapp/adapters/ansible.py: AnsibleProvisioner",
    "webapp/adapters/examine_proxmox.py: ProxmoxExaminer",
    "webapp/adapters/proxmox.py: ProxmoxHypervisor",
    "webapp/front/worker.py: BufferingWorker",
    "webapp/services/provisioning/build.py: Builder",
    "webapp/services/upkeep/reconcile.py: Reconciler",
    "webapp/web/desktops/view.py: DesktopView",
    "webapp/worker/loop.py: Worker",
}

MODULES = [file.relative_to(ROOT) for file in project_files() if file.suffix == ".py"]
OURS = [file for file in MODULES if file.parts[0] in {"webapp", "labnode", "setup"}]


def test_a_folder_has_few_modules() -> None:
    count = Counter(file.parent.as_posix() for file in OURS if file.name != "__init__.py")
    for name in ("services", "domain", "gateway", "web"):
        tests = [file for file in MODULES if file.parts[:2] == ("tests", name)]
        count.update(file.parent.as_posix() for file in tests)
    assert {name for name, number in count.items() if number > IN_A_FOLDER} == LARGER_FOLDERS


def test_a_file_is_short() -> None:
    long = {
        file.as_posix() for file in OURS if len((ROOT / file).read_text().splitlines()) >= IN_A_FILE
    }
    assert long == LONGER_FILES


def test_a_class_is_short() -> None:
    long = {
        f"{file.as_posix()}: {node.name}"
        for file in OURS
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= IN_A_CLASS
    }
    assert long == LONGER_CLASSES


def capabilities(layer: str) -> set[str]:
    return {file.parts[2] for file in MODULES if file.match(f"{layer}/*/*.py")}


@pytest.mark.parametrize("layer", ["webapp/domain", "tests/services", "tests/domain"])
def test_a_capability_has_its_name_in_every_layer(layer: str) -> None:
    assert capabilities(layer)
    assert capabilities(layer) - capabilities("webapp/services") == set()


def test_every_capability_is_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for layer in ("webapp/services", "webapp/domain", "tests/services", "tests/domain"):
        missing = [one for one in sorted(capabilities(layer)) if f"`{layer}/{one}/`" not in text]
        assert missing == [], layer
