"""`./winux desktop adopt` hands a desktop made by hand to the portal, with a real container."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.lab import PLAYBOOKS, ROOT, GoldenTemplate, RealLab
from tests.playbooks.actions import api_of
from tests.playbooks.operator import Desktop
from tests.playbooks.test_by_hand import rdp_answers
from webapp import bootstrap, bootstrap_worker
from webapp.adapters import migration
from webapp.config import load
from webapp.domain.states import State
from webapp.models import Desktop as DesktopRow
from webapp.models import Template
from webapp.services.audit.record import SYSTEM, Actor
from webapp.worker.loop import Worker

pytestmark = pytest.mark.lab

PASSWORD = "a password of the new owner"


@pytest.fixture
def portal(
    lab_node: RealLab, golden_template: GoldenTemplate, tmp_path: Path
) -> Iterator[bootstrap.Services]:
    """A portal on the same node as the operator."""
    environment = lab_node.settings("portal") | {
        "WINUX_DATABASE_URL": f"sqlite:///{tmp_path / 'winux.db'}",
        "WINUX_SECRET_KEY": "a secret key that only the tests use",
        "WINUX_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"k" * 32).decode(),
        "WINUX_PORTAL_ID": "adopter",
        "WINUX_RUN_DIR": str(tmp_path / "run"),
        "WINUX_GUEST_KEY_FILE": str(golden_template.guest_key),
        "WINUX_PLAYBOOKS_DIR": str(PLAYBOOKS),
        "WINUX_INVENTORY": str(ROOT / "inventory" / "lab"),
    }
    (tmp_path / "environment").write_text(json.dumps(environment))
    services = bootstrap.build_services(load(environment))
    migration.migrate(services.db)
    with services.db.begin() as session:
        session.add(
            Template(
                name="xfce",
                title="XFCE",
                vmid=golden_template.vmid,
                version=golden_template.version,
                published_at=services.clock.now(),
            )
        )
    services.accounts.add_person(SYSTEM, "anna", "a long enough password")
    yield services
    services.db.close()


def adopt(folder: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = json.loads((folder / "environment").read_text())
    return subprocess.run(
        [ROOT / "winux", "desktop", "adopt", *words],
        env={"PATH": os.environ["PATH"], **environment},
        input=text,
        capture_output=True,
        text=True,
    )


def test_a_desktop_made_by_hand_is_adopted_used_and_ends_with_the_portal(
    portal: bootstrap.Services, desktop: Desktop, lab_node: RealLab, tmp_path: Path
) -> None:
    assert desktop.create(rdp_username="anna", keyboard_layout="pl").code == 0
    old = desktop.told
    words = (str(desktop.vmid), "--owner", "anna", "--username", "anna", "--keyboard", "pl")

    wrong = adopt(tmp_path, str(desktop.vmid), "--owner", "anna")  # not the account that it has
    assert (wrong.returncode, "belongs to the user 'anna'" in wrong.stderr) == (3, True)
    done = adopt(tmp_path, *words, "--minutes", "45", "--password-stdin", text=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout

    with portal.db.read() as session:
        ready = select(DesktopRow).where(DesktopRow.state == State.READY)
        row = session.scalars(ready).one()
        owner = Actor(row.owner_id)
    assert (row.vmid, row.address) == (desktop.vmid, old["address"])
    assert row.ssh_host_key_sha256 == old["ssh_host_key_sha256"]
    assert portal.credentials.reveal(owner, row.public_id).password == PASSWORD
    config = api_of(lab_node).read(f"lxc/{desktop.vmid}/config")
    assert config["description"].strip() == f"winux: portal=adopter desktop={row.public_id}"
    hashed = lab_node.inside(desktop.vmid, "getent shadow anna").split(":")[1]
    check = f"import crypt; print(crypt.crypt({PASSWORD!r}, {hashed!r}) == {hashed!r})"
    told = lab_node.inside(desktop.vmid, f'python3 -W ignore -c "{check}"'.replace("$", "\\$"))
    assert told.strip() == "True"
    deadline = int(lab_node.inside(desktop.vmid, "cat /var/lib/winux/deadline"))
    assert row.deadline_at
    assert deadline == int(row.deadline_at.timestamp())

    again = adopt(tmp_path, *words)
    assert (again.returncode, "already" in again.stderr) == (1, True)
    refused = desktop.destroy()  # it is no longer the operator's
    assert refused.code != 0
    portal.lifetime.stop(owner, row.public_id)
    assert Worker(bootstrap_worker.build_worker_services(portal, "adopter:1:1")).run_once()
    with portal.db.read() as session:
        assert session.get_one(DesktopRow, row.id).state == State.ENDED
    assert not rdp_answers(old["address"])
