"""A lab node, and settings for runs of small faulty playbooks."""

import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.adapters.evil import processes_of, write_playbooks
from tests.adapters.lab import make_template
from tests.labnode.server import LabNode
from tests.portal import make_environment
from webapp.adapters.ansible import AnsibleProvisioner
from webapp.config import Config, load
from webapp.ports import BuildOrder

PASSWORD = "Pq7rTs9vWx2yZa4bCd6e"
TOKEN = "11111111-2222-3333-4444-555555555555"

MakeProvisioner = Callable[..., AnsibleProvisioner]


@pytest.fixture
def portal_id() -> str:
    """Unique, because tests search for processes and files by it."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def config(tmp_path: Path, portal_id: str) -> Config:
    (tmp_path / "inventory").write_text("localhost\n")
    return load(
        make_environment(
            tmp_path,
            WINUX_PORTAL_ID=portal_id,
            WINUX_PLAYBOOKS_DIR=str(tmp_path),
            WINUX_INVENTORY=str(tmp_path / "inventory"),
            WINUX_BUILD_TIMEOUT_SECONDS="60",
            WINUX_DESTROY_TIMEOUT_SECONDS="60",
            proxmox_api_token_secret=TOKEN,
        )
    )


@pytest.fixture
def make_provisioner(config: Config, tmp_path: Path) -> Iterator[MakeProvisioner]:
    """A provisioner with the named playbook; checks afterwards that the run left nothing."""
    made: list[AnsibleProvisioner] = []

    def make(playbook: str, *, timeout: float = 60) -> AnsibleProvisioner:
        write_playbooks(tmp_path, playbook)
        limit = timedelta(seconds=timeout)
        changed = replace(config, build_timeout=limit, destroy_timeout=limit)
        made.append(AnsibleProvisioner(changed))
        return made[-1]

    yield make
    for provisioner in made:
        provisioner.close()
    assert processes_of(config.portal_id) == []
    assert rests(config) == []


def rests(config: Config) -> list[Path]:
    """Return files and folders that runs left."""
    return [
        *config.run_dir.glob("*"),
        *config.secrets_dir.glob(f"winux-{config.portal_id}-*"),
    ]


@pytest.fixture
def order() -> BuildOrder:
    return BuildOrder(
        desktop_id="desktop-0a1b2c3d",
        vmid=30001,
        node="lab",
        template_vmid=29001,
        address="10.203.0.64/24",
        router="10.203.0.1",
        bridge="wxt0",
        rdp_username="desktop",
        rdp_password=PASSWORD,
        keyboard_layout="us",
        memory_mb=1024,
        swap_mb=512,
        cores=2,
        disk_gb=10,
        nesting=False,
        minutes=30,
        deadline_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    )


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabNode]:
    """A lab node with a template."""
    folder = tmp_path / "lab"
    folder.mkdir()
    # A fixed port can be reused at once after a kill, an ephemeral one cannot.
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
    node = LabNode(folder, ["--faults"], url=url).start()
    make_template(node.client())
    yield node
    node.stop()
