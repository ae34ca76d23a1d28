"""Runs docs/admin/proxmox.md from top to bottom in a fresh clone, on a lab node."""

import ipaddress
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import ROOT, RealLab

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PAGE = ROOT / "docs/admin/proxmox.md"
#: What follows is typed on the portal's machine; what precedes it, on a node (`pveum`).
BEGIN = "## Install"
#: Parts that the doctor cannot report as good yet, or on a lab node.
NOT_YET = {"gateway"}


def blocks() -> list[str]:
    """Return the commands of the page, block by block."""
    text = PAGE.read_text().partition(BEGIN)[2]
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def fresh_clone(folder: Path) -> Path:
    """Copy every file of the project, without files that set-up or a run made."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


@pytest.fixture
def own_node(lab_node: RealLab, tmp_path: Path) -> Iterator[RealLab]:
    """A separate node, because the page builds its template with another key than the tests'."""
    beside = ipaddress.IPv4Network((int(lab_node.subnet[0]) + 16 * 256, lab_node.subnet.prefixlen))
    lab = RealLab(tmp_path / "lab", f"{lab_node.bridge}d", beside, lab_node.port + 16)
    lab.state_dir.mkdir()
    lab.start()
    yield lab
    lab.stop()
    lab.clean()


@pytest.mark.sampled(0)
@pytest.mark.timeout(1200)
def test_the_page_works_as_it_is_typed(own_node: RealLab, tmp_path: Path) -> None:
    clone = fresh_clone(tmp_path / "winux")
    settings = own_node.settings("portal")
    (tmp_path / "etc").mkdir()
    shutil.copy(settings["proxmox_ca_file"], tmp_path / "etc/pve-root-ca.pem")  # *Certificate*
    here = {
        "/etc/winux": str(tmp_path / "etc"),
        "/var/lib/winux": str(tmp_path / "lib"),
        "the secret of the token portal": settings["proxmox_api_token_secret"],
        "the secret of the token builder": own_node.settings("builder")["proxmox_api_token_secret"],
        "pve1.example.org": settings["proxmox_api_host"],
        "proxmox_node=pve1": f"proxmox_node={settings['proxmox_node']}",
        "local-lvm": settings["proxmox_storage"],
        "vmbr0": settings["proxmox_bridge"],
        "10.20.0.0/24": settings["WINUX_NETWORK"],
    }
    names = ("PATH", "HOME", "WINUX_CACHE_DIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE")
    environment = {name: os.environ[name] for name in names if name in os.environ} | {
        "proxmox_api_port": settings["proxmox_api_port"],  # the page uses the default port
        "WINUX_ENV_FILE": str(tmp_path / "etc/winux.env"),  # otherwise it is in /etc/winux
    }
    said = ""
    for block in blocks():
        typed = block.replace("./winux doctor", "./winux doctor --json || true")
        for shown, real in here.items():
            typed = typed.replace(shown, real)
        done = subprocess.run(
            ["bash", "-e", "-c", typed], cwd=clone, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{typed}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        said = done.stdout
    signs = json.loads(said[said.index("[") :])
    bad = {sign["part"]: sign["text"] for sign in signs if sign["health"] == "bad"}
    assert bad.keys() <= NOT_YET, bad
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "lib").glob("winux.db*")}
    assert modes == {0}
