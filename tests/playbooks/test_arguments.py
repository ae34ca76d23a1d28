"""Wrong and missing variables are reported by name before anything is changed."""

import importlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.lab import ANSIBLE, PLAYBOOKS, ROOT
from tests.playbooks import actions
from tests.playbooks.operator import Desktop, Operator, Run
from webapp.domain.desktops import account_names, limits

assert actions.COLLECTIONS  # makes the collection importable
variables = importlib.import_module(
    "ansible_collections.winux.proxmox.plugins.action.variables_check"
)
accounts = importlib.import_module(
    "ansible_collections.winux.proxmox.plugins.module_utils.account_names"
)
CREATE, DESTROY = "create-winux-session.yml", "destroy-winux-session.yml"


@pytest.fixture
def nobody(tmp_path: Path) -> Operator:
    """An operator whose node does not exist, so that any request to it fails."""
    secret = {"proxmox_api_token_secret": "11111111-2222-3333-4444-555555555555"}
    return Operator(tmp_path, secret | {"proxmox_api_port": "1"})


def run(operator: Operator, playbook: str, **variables: object) -> Run:
    desktop = Desktop("desktop-00000000", 20001, operator)
    return operator.run(playbook, desktop, **variables)


@pytest.mark.parametrize(
    ("playbook", "name"),
    [(CREATE, "session_id"), (CREATE, "container_id"), (DESTROY, "container_id")],
)
def test_a_missing_variable_is_named(nobody: Operator, playbook: str, name: str) -> None:
    told = run(nobody, playbook, **{name: None})
    assert told.code != 0
    assert f"missing required arguments: {name}" in told.output


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["container_id", "session_duration", "template_vmid"])
def test_text_where_a_number_belongs_is_told(nobody: Operator, name: str) -> None:
    told = run(nobody, CREATE, **{name: "many"})
    assert told.code != 0
    assert f"{name} must be a whole number" in told.output


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["memory_mb", "cores", "disk_gb", "nesting"])
def test_a_wrong_size_is_told_before_anything_is_cloned(nobody: Operator, name: str) -> None:
    told = run(nobody, CREATE, **{name: "big"})
    assert told.code != 0
    assert f"{name} must be" in told.output


PLAYBOOK_FILES = sorted(file.name for file in PLAYBOOKS.glob("*-*.yml"))
WRONG = {
    "container_id": [True, -5, 99, 10**9, "many"],
    "rdp_username": ["Anna", "root\nx", False, "1anna", "audio", "root", "winux-x", "systemd-a"],
    "keyboard_layout": [False, True, "German", "pl; reboot"],
    "session_duration": [0, -1, True],
    "deadline_epoch": [-1, "tomorrow"],
    "container_address": ["10.203.0.70", "300.1.1.1/24"],
    "container_network": ["10.203.0.1/24", "here"],
    "portal_addresses": ["portal.example.org"],
    "template_vmid": [True, 5],
    "memory_mb": [-1, True],
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("playbook", PLAYBOOK_FILES)
def test_every_playbook_names_all_that_is_wrong_before_it_asks_the_node(
    nobody: Operator, playbook: str
) -> None:
    for values in zip(*WRONG.values(), strict=False):
        given = dict(zip(WRONG, values, strict=True))
        told = typed(nobody, playbook, given)
        assert told.code != 0
        assert "nothing was made or changed" in told.output, told.output
        assert "does not answer" not in told.output
        missed = [name for name in given if f"{name} must be" not in told.output]
        assert [name for name in missed if f"{name} is {given[name]}" not in told.output] == []


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_each_wrong_value_is_named(name: str, value: object) -> None:
    assert variables.problem_of(name, value).startswith(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keyboard_layout", "no"),
        ("keyboard_layout", "de(neo)"),
        ("container_id", "30990"),
        ("nesting", "yes"),
        ("rdp_username", "anna-b"),
        ("portal_addresses", []),
        ("container_address", ""),
        ("unknown", True),
    ],
)
def test_what_is_right_passes(name: str, value: object) -> None:
    assert variables.problem_of(name, value) == ""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("playbook", [CREATE, "assign-winux-session.yml"])
@pytest.mark.parametrize("name", ["audio", "root", "shadow", "systemd-network", "winux-helper"])
def test_a_name_of_the_system_is_refused_before_the_node_is_asked(
    nobody: Operator, playbook: str, name: str
) -> None:
    told = run(nobody, playbook, rdp_username=name)
    assert told.code != 0
    assert "rdp_username must be no account or group of the system itself" in told.output
    assert "nothing was made or changed" in told.output
    assert "does not answer" not in told.output


def test_portal_and_playbooks_reserve_the_same_names() -> None:
    assert accounts.RESERVED_NAMES == account_names.RESERVED_NAMES
    assert accounts.RESERVED_PREFIXES == account_names.RESERVED_PREFIXES
    assert accounts.USERNAME.pattern == account_names.USERNAME.pattern
    assert variables.problem_of("rdp_username", limits.decide_username("")) == ""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("playbook", PLAYBOOK_FILES)
def test_an_own_inventory_is_told_what_it_lacks(nobody: Operator, playbook: str) -> None:
    inventory = nobody.folder / "hosts.ini"
    inventory.write_text("localhost\n")
    told = typed(nobody, playbook, {"container_id": 20009}, "-i", str(inventory), is_own=True)
    assert told.code != 0
    for words in ("inventory/example", "proxmox_connection", "proxmox_bridge"):
        assert words in told.output, told.output


def typed(
    operator: Operator, playbook: str, given: dict[str, object], *options: str, is_own: bool = False
) -> Run:
    """Run the playbook with variables from a file, which keeps their types."""
    file = operator.folder / "variables.json"
    file.write_text(json.dumps(given))
    command = [str(ANSIBLE), *([] if is_own else ["-i", str(ROOT / "inventory/lab")]), *options]
    path = {"PATH": f"{ANSIBLE.parent}:{os.environ['PATH']}", "HOME": str(operator.folder)}
    done = subprocess.run(
        [*command, str(PLAYBOOKS / playbook), "-e", f"@{file}"],
        cwd=operator.folder,
        env=path | operator.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Run.of(done)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("session_id", ["Desktop_1", "-desktop", "a" * 64, "a.b"])
def test_a_session_id_that_is_no_host_name_is_refused(nobody: Operator, session_id: str) -> None:
    told = run(nobody, CREATE, session_id=session_id)
    assert told.code != 0
    assert "session_id must be" in told.output


def test_a_missing_token_is_told(tmp_path: Path) -> None:
    told = run(Operator(tmp_path, {}), DESTROY)
    assert told.code != 0
    assert "set proxmox_api_token_secret in the settings file" in told.output


def test_a_secrets_file_that_others_can_read_is_refused(nobody: Operator) -> None:
    file = nobody.folder / "secrets.json"
    file.write_text('{"rdp_password": "never shown"}')
    file.chmod(0o644)
    told = run(nobody, CREATE, secrets_file=file)
    assert told.code != 0
    assert f"chmod 600 {file}" in told.output
    assert "never shown" not in told.output


def test_a_node_that_is_not_there_is_told(nobody: Operator) -> None:
    told = run(nobody, DESTROY)
    assert told.code != 0
    assert "Proxmox VE at 127.0.0.1:1 does not answer properly" in told.output
    assert "Connection refused" in told.output


@pytest.mark.parametrize("folder", ["", "/somewhere"])
def test_results_go_to_the_current_folder_or_home(tmp_path: Path, folder: str) -> None:
    """Programs such as cron have no PWD: the password must not go to a file in `/`."""
    show = {"hosts": "localhost", "gather_facts": False, "vars": {"session_id": "desktop-1"}}
    show["vars_files"] = [str(PLAYBOOKS / "roles/desktop_verify/defaults/main.yml")]
    show["tasks"] = [{"ansible.builtin.debug": {"var": "result_file"}}]
    (tmp_path / "show.yml").write_text(json.dumps([show]))
    environment = os.environ | {"PWD": folder, "HOME": str(tmp_path)}
    done = subprocess.run(
        [str(ANSIBLE), "-i", "localhost,", "-c", "local", str(tmp_path / "show.yml")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert f'"result_file": "{folder or tmp_path}/desktop-1.json"' in done.stdout
