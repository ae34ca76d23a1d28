"""The settings file: its syntax, its access rights, and that every reader accepts it."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labnode.server import LabNode
from tests.portal import make_environment
from webapp.config import ROOT
from webapp.env_file import OF_DEMO, BadEnvFile, as_line, below, parse, place, read

#: The environment of a fresh shell.
BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
MISTYPED = "WINUX_" + "NETWROK"
#: All characters that a line may contain.
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]))


def write(file: Path, settings: dict[str, str], mode: int = 0o600) -> Path:
    file.write_text("".join(f"{as_line(*setting)}\n" for setting in settings.items()))
    file.chmod(mode)
    return file


def settings_in(folder: Path) -> dict[str, str]:
    values = make_environment(folder)
    del values["WINUX_ENV_FILE"]
    return values


def bare(file: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as typed in the checkout, with a settings file and nothing else."""
    environment = BARE | {"WINUX_ENV_FILE": str(file)} | more
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


# -- syntax --------------------------------------------------------------------------------------


def test_comments_quotes_and_line_ends_are_read() -> None:
    text = (
        "# a comment\r\n; another\n\nWINUX_PORTAL_ID=school\nproxmox_api_user=winux@pve\n"
        "  WINUX_NETWORK=10.0.0.0/24  \nWINUX_TIME_ZONE='Europe/Paris'\n"
        'WINUX_SECRET_KEY="a b\'c"\n'
        "WINUX_ROUTER=\n"
    )
    assert parse(text) == {
        "WINUX_PORTAL_ID": "school",
        "proxmox_api_user": "winux@pve",
        "WINUX_NETWORK": "10.0.0.0/24",
        "WINUX_TIME_ZONE": "Europe/Paris",
        "WINUX_SECRET_KEY": "a b'c",
        "WINUX_ROUTER": "",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("WINUX_NETWORK", "a line is NAME=value"),
        ("export WINUX_NETWORK=x", "leave out `export`"),
        ("WINUX_NETWORK =x", "no space before ="),
        ("PATH=/tmp", "no name of a setting"),
        ("WINUX_NETWORK=$(reboot)", "single quotes"),
        ("WINUX_NETWORK=`reboot`", "single quotes"),
        ("WINUX_NETWORK=a b", "single quotes"),
        ('WINUX_NETWORK="$HOME"', "single quotes"),
        ("WINUX_NETWORK='a", "no closing '"),
        ("WINUX_NETWORK='a' # why", "no closing '"),
        ("WINUX_NETWORK='a'b'", "double quotes"),
        ("WINUX_NETWORK=a\\", "single quotes"),
        ("WINUX_NETWORK=a\0b", "control character"),
    ],
)
def test_a_line_that_programs_read_differently_is_refused(line: str, words: str) -> None:
    with pytest.raises(BadEnvFile, match="line 2") as refusal:
        parse(f"WINUX_PORTAL_ID=x\n{line}\n")
    assert words in str(refusal.value)


def test_a_setting_that_is_there_twice_is_refused() -> None:
    with pytest.raises(BadEnvFile, match="line 2: WINUX_NETWORK is there twice"):
        parse("WINUX_NETWORK=a\nWINUX_NETWORK=b")


@given(VALUES)
def test_a_shell_reads_what_we_write(value: str) -> None:
    try:
        line = as_line("WINUX_PORTAL_ID", value)
    except BadEnvFile:
        return
    assert parse(line) == {"WINUX_PORTAL_ID": value}
    script = f'{line}\nprintf %s "$WINUX_PORTAL_ID"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.decode() == value


# -- which file, and precedence ------------------------------------------------------------------


def test_the_demos_file_is_found_and_the_variable_wins_over_it(tmp_path: Path) -> None:
    demo = tmp_path / OF_DEMO
    assert place({"WINUX_ENV_FILE": "/srv/one.env"}, tmp_path) == Path("/srv/one.env")
    demo.parent.mkdir(parents=True)
    demo.touch()
    assert place({}, tmp_path) == demo
    assert place({"WINUX_ENV_FILE": "/srv/one.env"}, tmp_path) == Path("/srv/one.env")
    assert place({"WINUX_ENV_FILE": os.devnull}, tmp_path) is None


def test_the_environment_wins_and_knows_both_forms_of_a_secret() -> None:
    settings = {"WINUX_NETWORK": "a", "WINUX_SECRET_KEY_FILE": "f", "WINUX_PORTAL_ID": "p"}
    environment = {"WINUX_NETWORK": "b", "WINUX_SECRET_KEY": "s", "WINUX_PORTAL_ID": ""}
    assert below(environment, settings) == {
        "WINUX_NETWORK": "b",
        "WINUX_SECRET_KEY": "s",
        "WINUX_PORTAL_ID": "p",
    }


# -- access rights -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o777])
def test_a_file_that_others_can_use_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "winux.env", settings_in(tmp_path), mode)
    done = bare(file, "./winux", "person", "list")
    assert done.returncode == 1
    assert f"chmod 600 {file}" in done.stderr


def test_a_file_of_another_account_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    file = write(tmp_path / "winux.env", settings_in(tmp_path))
    os.chown(file, 65_534, 65_534)
    done = bare(file, "./winux", "person", "list")
    assert (done.returncode, "belongs to another account" in done.stderr) == (1, True)


def test_a_file_that_systemd_handed_over_may_have_an_access_list(tmp_path: Path) -> None:
    file = write(tmp_path / "winux.env", {"WINUX_PORTAL_ID": "x"}, 0o440)
    handed = {"WINUX_ENV_FILE": str(file), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read(handed, ROOT) == {"WINUX_PORTAL_ID": "x"}
    with pytest.raises(BadEnvFile):
        read({"WINUX_ENV_FILE": str(file)}, ROOT)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "large", "binary"])
def test_what_is_no_settings_file_is_refused_by_its_name(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "winux.env"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file, 0o600)
    elif kind != "missing":
        file.write_bytes(b"#" * 70_000 if kind == "large" else b"\xff\xfe\0")
        file.chmod(0o600)
    done = bare(file, "./winux", "check-config")
    assert (done.returncode, str(file) in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


# -- every reader ----------------------------------------------------------------------------------


def test_the_command_line_takes_it_by_variable_and_by_option(tmp_path: Path) -> None:
    file = write(tmp_path / "winux.env", settings_in(tmp_path))
    assert bare(file, "./winux", "migrate", "--new").returncode == 0
    done = subprocess.run(
        ["./winux", "--env-file", str(file), "person", "list"],
        cwd=ROOT,
        env=BARE,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    changed = bare(file, "./winux", "person", "list", WINUX_VMID_FIRST="many")
    assert "WINUX_VMID_FIRST is 'many'" in changed.stderr


def test_a_mistyped_setting_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "winux.env", settings_in(tmp_path) | {MISTYPED: "10.0.0.0/24"})
    done = bare(file, "./winux", "check-config")
    assert f"no setting {MISTYPED}. Did you mean WINUX_NETWORK?" in done.stderr


@contextmanager
def served(file: Path) -> Iterator[str]:
    """Start the web server with this settings file; return its output until its port answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [".venv/bin/gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", "wsgi:app"]
    log = file.with_suffix(".log")
    with log.open("wb") as out:
        web = subprocess.Popen(
            command, cwd=ROOT, env=BARE | {"WINUX_ENV_FILE": str(file)}, stdout=out, stderr=out
        )
    try:
        while web.poll() is None and "Booting worker" not in log.read_text():
            pass
        yield log.read_text()
    finally:
        web.terminate()
        web.wait(90)


def test_the_web_server_takes_it(tmp_path: Path) -> None:
    file = write(tmp_path / "winux.env", settings_in(tmp_path))
    assert bare(file, "./winux", "migrate", "--new").returncode == 0
    with served(file) as said:
        assert "Booting worker" in said
    file.chmod(0o644)
    with served(file) as said:
        assert f"chmod 600 {file}" in said


@pytest.mark.parametrize("inventory", ["lab", "example"])
def test_a_playbook_takes_it(tmp_path: Path, inventory: str) -> None:
    node = LabNode(tmp_path / "node")
    node.state_dir.mkdir()
    node.start()
    try:
        settings = node.settings("portal") | {"WINUX_NETWORK": "10.0.0.0/24"}
        secret = tmp_path / "token"
        secret.write_text(settings.pop("proxmox_api_token_secret") + "\n")
        settings["proxmox_api_token_secret_FILE"] = str(secret)
        file = write(tmp_path / "winux.env", settings)
        playbook = ("-i", f"inventory/{inventory}", "playbooks/destroy-winux-session.yml")
        names = ("-e", "session_id=desktop-x container_id=20009")
        done = bare(file, ".venv/bin/ansible-playbook", *playbook, *names)
        assert (done.returncode, "failed=0" in done.stdout) == (0, True), done.stdout + done.stderr
        file.chmod(0o644)
        refused = bare(file, ".venv/bin/ansible-playbook", *playbook, *names)
        assert refused.returncode != 0
        assert f"chmod 600 {file}" in " ".join((refused.stdout + refused.stderr).split())
    finally:
        node.stop()
