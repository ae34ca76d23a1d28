"""Nothing known about a desktop before it had an owner works on it (docs/decisions/0014).

The tests try the template's own secrets, another desktop's, and those of the desktop that had the
same container id, name and address before.
"""

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import GoldenTemplate, RealLab
from tests.playbooks.inside import IDENTITY, knows
from tests.playbooks.operator import Desktop, Operator

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class Known:
    """What a former user of a desktop knows of it, including root's secrets."""

    password: str
    host_key_sha256: str
    certificate_sha256: str
    secrets: dict[str, str]

    @classmethod
    def of(cls, lab: RealLab, desktop: Desktop) -> "Known":
        told = desktop.told
        return cls(
            told["password"],
            told["ssh_host_key_sha256"],
            told["rdp_certificate_sha256"],
            {what: lab.inside(desktop.vmid, script).strip() for what, script in IDENTITY.items()},
        )


@pytest.fixture
def other(operator: Operator) -> Iterator[Desktop]:
    """A desktop of another person on the same node."""
    desktop = operator.new_desktop()
    assert desktop.create().code == 0
    yield desktop
    assert desktop.destroy().code == 0


def test_what_was_known_before_does_not_work_after_the_claim(
    desktop: Desktop, other: Desktop, lab_node: RealLab
) -> None:
    assert desktop.create().code == 0
    address = desktop.told["address"]
    before = Known.of(lab_node, desktop)
    assert desktop.destroy().code == 0
    desktop.file.unlink()  # otherwise the playbook keeps the values in it
    assert desktop.create(container_address=f"{address}/24").code == 0
    built = Known.of(lab_node, desktop)
    assert (desktop.told["address"], desktop.told["username"]) == (address, "desktop")
    assert desktop.assign(rdp_username="anna").code == 0
    now = Known.of(lab_node, desktop)

    beside = Known.of(lab_node, other)
    for known in (before, beside):
        assert not set(now.secrets.values()) & set(known.secrets.values())
        assert now.host_key_sha256 != known.host_key_sha256
        assert now.certificate_sha256 != known.certificate_sha256
        pinned = desktop.assign(rdp_username="anna", ssh_host_key_sha256=known.host_key_sha256)
        assert "is not the desktop that was said" in pinned.output
    for password in (before.password, beside.password, built.password):
        for name in ("anna", "desktop", "root"):
            assert not knows(lab_node, desktop.vmid, name, password), f"{name}'s is an old one"
    assert knows(lab_node, desktop.vmid, "anna", now.password)
    assert now.secrets == built.secrets, "keys are made at the build and kept at the claim"


def test_the_template_holds_no_identity_that_a_desktop_could_share(
    running: Desktop, golden_template: GoldenTemplate, lab_node: RealLab
) -> None:
    base = _root_of(lab_node, golden_template)
    assert (base / "etc/machine-id").read_text().strip() in {"", "uninitialized"}
    assert not list((base / "etc/ssh").glob("ssh_host_*"))
    key = base / "etc/xrdp/key.pem"
    assert not key.exists() or key.is_symlink()  # Debian's default; replaced at start
    assert not (base / "var/lib/winux/identity").exists()
    people = [line.split(":") for line in (base / "etc/passwd").read_text().splitlines()]
    assert [one[0] for one in people if 1000 <= int(one[2]) < 60000] == []
    shadow = [line.split(":") for line in (base / "etc/shadow").read_text().splitlines()]
    assert [one[0] for one in shadow if one[1].startswith("$")] == [], "an account has a password"
    keys = lab_node.inside(running.vmid, "cat ~root/.ssh/authorized_keys").splitlines()
    assert len(keys) == 1
    assert keys[0].startswith('command="/usr/local/sbin/winux-guest",restrict ')


def _root_of(lab: RealLab, template: GoldenTemplate) -> Path:
    base = (lab.state_dir / "containers" / str(template.vmid) / "base").read_text().strip()
    return lab.state_dir / "bases" / base


def test_the_host_name_is_the_desktops_own(running: Desktop, lab_node: RealLab) -> None:
    names = "hostname; cat /etc/hostname; openssl x509 -in /etc/xrdp/cert.pem -noout -subject"
    said = lab_node.inside(running.vmid, names).split("\n")
    assert said[:2] == [running.session_id] * 2
    assert running.session_id in said[2]


def test_without_the_portals_key_nobody_gets_in_over_ssh(running: Desktop, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    options = "-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no"
    known = f"-o UserKnownHostsFile={tmp_path / 'known'} -o IdentitiesOnly=yes -i {key}"
    target = f"root@{running.told['address']}"
    command = shlex.split(f"ssh {options} {known} {target} winux-guest")
    done = subprocess.run(command, input="{}", capture_output=True, text=True, timeout=30)
    assert done.returncode == 255
    assert "Permission denied" in done.stderr
