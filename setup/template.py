"""The golden template, built by the same playbook as on a real Proxmox VE."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from setup.commands import run_logged
from setup.environment import VENV
from setup.lab import credentials
from setup.ownership import KEY_COMMENT
from setup.settings import CHECKOUT, Settings, cache_dir

PLAYBOOK = str(CHECKOUT / "playbooks/template-build.yml")
INVENTORY = str(CHECKOUT / "inventory/lab")
#: The files that determine a template's content, besides the key of the portal.
SOURCES = ("template_rootfs", "template_firewall")


@dataclass(frozen=True)
class GoldenTemplate:
    """A template that is published on the node."""

    key: str
    vmid: int
    name: str
    version: str


def make_guest_key(path: Path, log: Path) -> None:
    """Create the portal's SSH key, whose public half is in the template; once per checkout."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hint = "Is openssh-client installed, and may we write there?"
    run_logged(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", KEY_COMMENT, "-f", path], log, hint
    )


def content_key(guest_key: Path) -> str:
    """Return a name for the template that these playbook sources and this key produce."""
    digest = hashlib.sha256(guest_key.with_suffix(".pub").read_bytes())
    for role in SOURCES:
        for file in sorted((CHECKOUT / "playbooks/roles" / role).rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def built_template(settings: Settings, guest_key: Path) -> GoldenTemplate | None:
    """Return the template of an earlier run with the same content, if its node still has it."""
    stamp = settings.lab / "template.json"
    if not stamp.exists() or not guest_key.exists():
        return None
    template = GoldenTemplate(**json.loads(stamp.read_text()))
    return template if template.key == content_key(guest_key) else None


def fill_cache(guest_key: Path, log: Path) -> None:
    """Build only the root file system, so that the next template build is fast."""
    make_guest_key(guest_key, log)
    script = str(CHECKOUT / "playbooks/roles/template_rootfs/files/build-rootfs")
    command = [script, str(cache_dir()), "bookworm", str(guest_key.with_suffix(".pub")), "xfce"]
    run_logged(command, log, "Mend what it says, then run this again.")


def build_template(settings: Settings, guest_key: Path) -> GoldenTemplate:
    """Run template-build.yml against the stack's node; the slow half comes from the cache."""
    result = settings.folder / "template-result.json"
    first, last = settings.template_vmids
    variables = {
        "result_file": str(result),
        "template_vmid_first": first,
        "template_vmid_last": last,
    }
    environment = {
        **os.environ,
        **credentials(settings, "builder"),
        "WINUX_ENV_FILE": os.devnull,
        "WINUX_GUEST_KEY_FILE": str(guest_key),
        "WINUX_CACHE_DIR": str(cache_dir()),
        "WINUX_NETWORK": settings.subnet,
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(CHECKOUT / "playbooks/ansible.cfg"),
    }
    ansible = str(VENV / "bin/ansible-playbook")
    command = [ansible, "-i", INVENTORY, PLAYBOOK, "-e", json.dumps(variables)]
    log = settings.logs / "template.log"
    log.unlink(missing_ok=True)
    run_logged(command, log, "Mend what it says, then run this again.", environment)
    told = json.loads(result.read_text())
    key = content_key(guest_key)
    template = GoldenTemplate(key, int(told["vmid"]), str(told["name"]), str(told["version"]))
    (settings.lab / "template.json").write_text(json.dumps(asdict(template)))
    return template
