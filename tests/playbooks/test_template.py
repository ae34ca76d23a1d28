"""The golden template: the content of its archive; a second build changes nothing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.lab import PLAYBOOKS, GoldenTemplate, RealLab, ansible
from tests.playbooks.actions import api_of
from tests.playbooks.operator import Desktop, Operator, Run

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def root(golden_template: GoldenTemplate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the parts of the archive that could identify its builder."""
    build = PLAYBOOKS / "roles/template_rootfs/files/build-rootfs"
    cache = os.environ.get("WINUX_CACHE_DIR", "/var/cache/winux")
    arguments = [cache, "bookworm", f"{golden_template.guest_key}.pub", golden_template.name]
    done = subprocess.run([build, *arguments], check=True, capture_output=True, text=True)
    archive = json.loads(done.stdout)["archive"]
    folder = tmp_path_factory.mktemp("rootfs")
    parts = ["./etc", "./root", "./home", "./var/lib", "./var/log", "./usr/lib/locale"]
    command = ["tar", "--extract", "--zstd", f"--file={archive}", f"--directory={folder}", *parts]
    subprocess.run(command, check=True)
    return folder


def test_its_desktops_let_nobody_in_but_this_machine(
    lab_node: RealLab, golden_template: GoldenTemplate
) -> None:
    api, path = api_of(lab_node), f"lxc/{golden_template.vmid}"
    assert api.read(f"{path}/firewall/options")["enable"] == 1
    [rule] = api.read_list(f"{path}/firewall/rules")
    assert (rule["source"], rule["dport"]) == (str(lab_node.subnet[1]), "22,3389")


def test_the_uploaded_archive_is_gone(lab_node: RealLab, golden_template: GoldenTemplate) -> None:
    assert list((lab_node.state_dir / "template").rglob("*.tar.zst")) == []


def test_building_it_again_changes_nothing(
    lab_node: RealLab, golden_template: GoldenTemplate, tmp_path: Path
) -> None:
    environment = lab_node.settings("builder") | {
        "WINUX_GUEST_KEY_FILE": str(golden_template.guest_key)
    }
    run = Run.of(ansible("template-build.yml", environment, tmp_path))
    assert run.code == 0, run.output
    assert run.changed == 0, run.output
    assert f"{golden_template.version} is template {golden_template.vmid}" in run.output


def test_a_cache_that_is_gone_makes_no_new_version(
    lab_node: RealLab, golden_template: GoldenTemplate, tmp_path: Path
) -> None:
    """Only a template's inputs count, and none of them has changed."""
    cache = tmp_path / "cache"
    environment = lab_node.settings("builder") | {
        "WINUX_GUEST_KEY_FILE": str(golden_template.guest_key),
        "WINUX_CACHE_DIR": str(cache),
    }
    run = Run.of(ansible("template-build.yml", environment, tmp_path))
    assert (run.code, run.changed) == (0, 0), run.output
    assert f"{golden_template.version} is template {golden_template.vmid}" in run.output
    assert not cache.exists()


@pytest.mark.parametrize(
    "pattern",
    ["etc/ssh/ssh_host_*", "etc/xrdp/*.pem", "etc/ssl/private/*.key", "var/lib/winux/*"],
)
def test_it_holds_no_identity(root: Path, pattern: str) -> None:
    assert list(root.glob(pattern)) == []


def test_its_machine_id_is_still_to_be_made(root: Path) -> None:
    assert (root / "etc/machine-id").read_text() == ""


@pytest.mark.parametrize(
    "file",
    [
        "etc/apt/sources.list",
        "etc/apt/auth.conf.d",
        "etc/apt/apt.conf.d/00build",
        "etc/resolv.conf",
    ],
)
def test_it_keeps_nothing_of_the_machine_that_built_it(root: Path, file: str) -> None:
    assert not (root / file).exists()


def test_it_knows_one_key_with_one_command(root: Path, golden_template: GoldenTemplate) -> None:
    [line] = (root / "root/.ssh/authorized_keys").read_text().splitlines()
    public = golden_template.guest_key.with_suffix(".pub").read_text().strip()
    assert line == f'command="/usr/local/sbin/winux-guest",restrict {public}'


def test_nobody_has_a_password_in_it(root: Path) -> None:
    shadow = [line.split(":")[:2] for line in (root / "etc/shadow").read_text().splitlines()]
    assert [name for name, password in shadow if len(password) > 2] == []


@pytest.mark.parametrize("language", ["en_US", "fr_FR", "pl_PL", "de_DE", "es_ES"])
def test_it_speaks_the_language(running: Desktop, lab_node: RealLab, language: str) -> None:
    locales = lab_node.inside(running.vmid, "locale -a").lower().split()
    assert f"{language}.utf8".lower() in locales


@pytest.mark.parametrize(
    "program", ["firefox-esr", "mousepad", "thunar", "xarchiver", "xfce4-terminal", "ristretto"]
)
def test_people_find_what_they_need_to_work(
    running: Desktop, lab_node: RealLab, program: str
) -> None:
    assert lab_node.inside(running.vmid, f"command -v {program}").strip()


def test_a_desktop_from_an_unknown_template_is_refused(operator: Operator) -> None:
    desktop = operator.new_desktop()
    unknown = desktop.create(template_name="windows")
    assert unknown.code != 0
    assert "has no published template named 'windows'" in unknown.output
    missing = desktop.create(template_vmid=29099)
    assert "template 29099 is not there" in missing.output


def test_a_desktop_is_never_cloned_from_a_desktop(running: Desktop, operator: Operator) -> None:
    run = operator.new_desktop().create(template_vmid=running.vmid)
    assert run.code != 0
    assert f"container {running.vmid} is not a template" in run.output
