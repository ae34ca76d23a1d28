"""Documentation and code agree: options of actions, variables of roles."""

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import PLAYBOOKS, ROOT
from tests.playbooks.actions import COLLECTIONS

PLUGINS = Path(COLLECTIONS) / "ansible_collections/winux/proxmox/plugins"
ACTIONS = sorted(file.stem for file in (PLUGINS / "action").glob("*.py"))
ROLES = sorted(folder.name for folder in (PLAYBOOKS / "roles").iterdir())
#: Computed by the inventory or by earlier roles, or shown as comments in the defaults.
COMPUTED = {
    "adopter_session_id",
    "container_bridge",
    "guest_key_file",
    "result_file",
    "template_rootfs_cache_dir",
}


def constant(file: Path, name: str) -> str:
    """A string constant anywhere in a Python file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{file} has no {name}")


def documented(action: str) -> dict[str, dict[str, Any]]:
    """Return each option with its type, default and so on, as ansible-doc shows them."""
    text = yaml.safe_load(constant(PLUGINS / "modules" / f"{action}.py", "DOCUMENTATION"))
    options = dict(text.get("options", {}))
    for fragment in text.get("extends_documentation_fragment", []):
        file = PLUGINS / "doc_fragments" / f"{fragment.rpartition('.')[2]}.py"
        options |= yaml.safe_load(constant(file, "DOCUMENTATION"))["options"]
    return {
        name: {key: value for key, value in option.items() if key != "description"}
        for name, option in options.items()
    }


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_takes_the_options_that_are_documented(action: str) -> None:
    module = importlib.import_module(f"ansible_collections.winux.proxmox.plugins.action.{action}")
    spec = {
        name: {key: value for key, value in option.items() if key != "no_log"}
        for name, option in module.ActionModule.spec.items()
    }
    assert spec == documented(action)


def options_of(role: str) -> dict[str, dict[str, Any]]:
    file = PLAYBOOKS / "roles" / role / "meta/argument_specs.yml"
    return dict(yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_are_documented(role: str) -> None:
    defaults = yaml.safe_load((PLAYBOOKS / "roles" / role / "defaults/main.yml").read_text()) or {}
    for name, option in options_of(role).items():
        if name not in COMPUTED and name in defaults:
            assert defaults[name] == option.get("default"), name


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_in_the_manual(role: str) -> None:
    manual = "".join(file.read_text() for file in (ROOT / "docs/operations").glob("*.md"))
    missing = [name for name in options_of(role) if f"`{name}`" not in manual]
    assert missing == []
