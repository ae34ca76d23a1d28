"""Wrong and missing variables are told by name, before anything is touched."""

from pathlib import Path

import pytest

from tests.playbooks.operator import Desktop, Operator, Run

CREATE, DESTROY = "create-winux-session.yml", "destroy-winux-session.yml"


@pytest.fixture
def nobody(tmp_path: Path) -> Operator:
    """An operator whose node does not exist: whoever asks it would fail otherwise."""
    secret = {"proxmox_api_token_secret": "11111111-2222-3333-4444-555555555555"}
    return Operator(tmp_path, secret | {"proxmox_api_port": "1"})


def run(operator: Operator, playbook: str, **variables: object) -> Run:
    desktop = Desktop("desktop-00000000", 20001, operator)
    return operator.run(playbook, desktop, **variables)


@pytest.mark.parametrize("playbook", [CREATE, DESTROY])
@pytest.mark.parametrize("name", ["session_id", "container_id"])
def test_a_missing_variable_is_named(nobody: Operator, playbook: str, name: str) -> None:
    told = run(nobody, playbook, **{name: None})
    assert told.code != 0
    assert f"missing required arguments: {name}" in told.output


@pytest.mark.parametrize("name", ["container_id", "session_duration", "template_vmid"])
def test_text_where_a_number_belongs_is_told(nobody: Operator, name: str) -> None:
    told = run(nobody, CREATE, **{name: "many"})
    assert told.code != 0
    assert f"argument '{name}'" in told.output
    assert "int" in told.output


@pytest.mark.parametrize("name", ["memory_mb", "cores", "disk_gb", "nesting"])
def test_a_wrong_size_is_told_before_anything_is_cloned(nobody: Operator, name: str) -> None:
    told = run(nobody, CREATE, **{name: "big"})
    assert told.code != 0
    assert f"argument '{name}'" in told.output


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
