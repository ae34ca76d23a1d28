"""Nothing from a desktop, a person, the database or Proxmox is evaluated in a real Ansible run.

The tests use the real ansible-runner, the real playbooks, the lab node's API, and desktops with a
hostile root.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.conftest import rests
from tests.adapters.evil import processes_of
from tests.adapters.lab import TEMPLATE, create, environment_of, make_template
from tests.adapters.network import own_network
from tests.adapters.payloads import payloads
from tests.labnode.server import LabNode
from webapp.adapters.ansible import AnsibleProvisioner
from webapp.adapters.run_vars import as_data
from webapp.config import ROOT, load
from webapp.domain.errors import OutsideFailed
from webapp.domain.nodes.mark import Mark
from webapp.ports import AdoptOrder, AssignOrder, BuildOrder, BuildResult, ResumeOrder

#: A private network needs root; port 22 of the desktops' addresses may be in use elsewhere.
pytestmark = [pytest.mark.lab, pytest.mark.slow]
DESKTOP = "desktop-0a1b2c3d"
VMID = 30001
ADDRESS = "127.204.0.70"
NAMES = list(payloads(Path("/x")))
SOME = ["expression", "newlines", "1 MB"]


def _never() -> bool:
    return False


def _ignore(_step: str) -> None:
    pass


@dataclass
class Site:
    """A portal's provisioner, its node, and the file that an evaluated payload would create."""

    provisioner: AnsibleProvisioner
    node: LabNode
    folder: Path

    @property
    def marker(self) -> Path:
        return self.folder / "evaluated"

    def lie(self, **lies: Any) -> None:
        (self.folder / "guests" / "lies.json").write_text(json.dumps(lies))

    def payload(self, name: str) -> str:
        return payloads(self.marker)[name]

    def create(self, **changes: Any) -> BuildResult:
        bridge = self.node.settings("portal")["proxmox_bridge"]
        order = replace(ORDER, **{"bridge": bridge, **changes})
        return self.provisioner.create(order, on_step=_ignore, is_cancelled=_never)


SOON = datetime.now(UTC) + timedelta(minutes=30)
ORDER = BuildOrder(
    desktop_id=DESKTOP,
    vmid=VMID,
    node="lab",
    template_vmid=TEMPLATE,
    address=f"{ADDRESS}/24",
    router="127.204.0.1",
    bridge="wxt0",
    rdp_username="desktop",
    rdp_password="Pq7rTs9vWx2yZa4bCd6e",
    keyboard_layout="us",
    memory_mb=1024,
    swap_mb=512,
    cores=2,
    disk_gb=10,
    nesting=False,
    minutes=30,
    deadline_at=SOON,
)


@pytest.fixture
def site(tmp_path: Path, portal_id: str) -> Iterator[Site]:
    (tmp_path / "lab").mkdir()
    (tmp_path / "guests").mkdir()
    key = tmp_path / "guest_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with own_network():
        node = LabNode(tmp_path / "lab", ["--faults"]).start()
        make_template(node.client())
        places = [str(node.state_dir / "memory"), str(tmp_path / "guests"), f"{key}.pub"]
        program = [sys.executable, "-m", "tests.adapters.hostile_guest", *places]
        guests = subprocess.Popen(program, cwd=ROOT)
        config = load(
            environment_of(
                node,
                tmp_path,
                WINUX_PORTAL_ID=portal_id,
                WINUX_GUEST_KEY_FILE=str(key),
                WINUX_BUILD_TIMEOUT_SECONDS="120",
                WINUX_DESTROY_TIMEOUT_SECONDS="120",
            )
        )
        provisioner = AnsibleProvisioner(config)
        try:
            yield Site(provisioner, node, tmp_path)
        finally:
            provisioner.close()
            guests.kill()
            guests.wait()
            node.stop()
    assert processes_of(portal_id) == []
    assert rests(config) == []


# -- desktops -------------------------------------------------------------------------------------


def test_what_a_desktop_adds_to_its_answer_is_dropped_and_its_key_is_the_one_that_was_seen(
    site: Site,
) -> None:
    """Facts in a task's result would set variables of the play, such as addresses and paths."""
    payload = site.payload("expression")
    stolen = site.folder / "stolen.json"
    facts = {"result_file": str(stolen), "guest_key_file": payload, "proxmox_node": payload}
    site.lie(
        fields={
            "ssh_host_key_sha256": payload,
            "rdp_certificate_sha256": payload,
            "hostname": payload,
            "machine_id": [payload] * 3,
            "ansible_facts": facts,
            "add_host": {"host_name": payload, "host_vars": {"ansible_connection": "local"}},
            "_ansible_facts": facts,
            "invocation": {"module_args": payload},
            "address": payload,
            "node": payload,
        }
    )
    result = site.create()
    assert len(result.ssh_host_key_sha256) == len("SHA256:") + 43
    assert (result.node, result.address) == ("lab", ADDRESS)
    site.provisioner.set_deadline(ADDRESS, result.ssh_host_key_sha256, SOON)  # the genuine value
    assert not site.marker.exists()
    assert not stolen.exists()


LIES: dict[str, Any] = {
    "certificate": "rdp_certificate_pem",
    "user name": "username",
    "deadline": "deadline_epoch",
    "password": "password",
    "changed": "changed",
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("field", LIES.values(), ids=LIES)
def test_a_field_of_the_wrong_form_refuses_the_whole_answer(site: Site, field: str) -> None:
    site.lie(fields={field: site.payload("expression")})
    with pytest.raises(OutsideFailed, match="answer that winux-guest does not give") as caught:
        site.create()
    assert "lookup" not in caught.value.message
    assert not site.marker.exists()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", SOME)
def test_a_desktops_refusal_is_told_as_it_is(site: Site, name: str) -> None:
    site.lie(fields={"error": site.payload(name)})
    with pytest.raises(OutsideFailed, match=r"refused|does not give") as caught:
        site.create()
    assert not site.marker.exists()
    assert len(caught.value.message) < 1000
    assert "\x1b" not in caught.value.message + caught.value.log
    assert "\u202e" not in caught.value.message + caught.value.log


ENDLESS = {
    "nested": '{"a": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "1 MB": json.dumps({"rdp_certificate_pem": "x" * 1_000_000}),
    "no object": "[1, 2]",
    "NUL": "\0" * 1000,
    "no number": '{"deadline_epoch": NaN}',
    "a long number": '{"deadline_epoch": ' + "9" * 5000 + "}",
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_form_is_refused(site: Site, text: str) -> None:
    site.lie(text=text)
    with pytest.raises(OutsideFailed, match="answer that winux-guest does not give") as caught:
        site.create()
    assert len(caught.value.message) < 300


# -- the database and people ----------------------------------------------------------------------


def _check_a_run(site: Site, run: Callable[[], object]) -> None:
    with pytest.raises(OutsideFailed) as caught:
        run()
    assert "\x1b" not in caught.value.message + caught.value.log
    assert len(caught.value.message) <= 2000
    assert not site.marker.exists()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", NAMES)
def test_a_fingerprint_that_an_older_version_believed_is_no_template(site: Site, name: str) -> None:
    site.create()
    order = ResumeOrder(DESKTOP, VMID, "lab", site.payload(name), site.payload(name), SOON)
    _check_a_run(site, lambda: site.provisioner.resume(order, on_step=_ignore, is_cancelled=_never))


def test_no_value_of_any_run_is_a_template(site: Site) -> None:
    """A user name, a keyboard, a node, a version, an id, by anyone who can write the row."""
    text = site.payload("expression")
    site.create()
    assign = AssignOrder(DESKTOP, VMID, "lab", text, text, text, text, SOON)
    adopt = AdoptOrder(DESKTOP, VMID, None, Mark(text, text), text, text, text, SOON)
    runs: tuple[Callable[[], object], ...] = (
        lambda: site.provisioner.assign(assign, on_step=_ignore, is_cancelled=_never),
        lambda: site.provisioner.adopt(adopt, is_cancelled=_never),
        lambda: site.create(rdp_username=text, keyboard_layout=text),
        lambda: site.create(vmid=VMID + 1, address=text, router=text, bridge=text),
        lambda: site.provisioner.remove_template(TEMPLATE, text, node="lab"),
        lambda: site.provisioner.destroy(text, VMID, node=text),
    )
    for run in runs:
        _check_a_run(site, run)


def test_a_variable_that_ansibles_json_cannot_hold_is_refused() -> None:
    """Ansible would read such a file as YAML, which ignores the mark of plain data."""
    for value in ("half \ud800", "with a \0", {"a": 1}, 1.5):
        with pytest.raises(OutsideFailed, match="variable name of an Ansible run"):
            as_data({"name": value})


# -- Proxmox --------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", SOME)
def test_what_a_task_of_the_node_says_is_shown_and_not_evaluated(site: Site, name: str) -> None:
    payload = site.payload(name)
    fault = [{"kind": "failed-task", "path": "POST .*/clone", "message": payload, "count": 9}]
    answer = site.node.client()("PUT", "/labnode/faults", None, is_whole=True, json=fault)
    assert answer.status == 200, answer.text
    with pytest.raises(OutsideFailed, match="cloning template") as caught:
        site.create()
    assert not site.marker.exists()
    assert len(caught.value.message) <= 2000
    assert len(caught.value.log) <= 40_000
    assert "\x1b" not in caught.value.message + caught.value.log


def test_names_and_notes_of_containers_are_not_evaluated(site: Site) -> None:
    """A foreign container at the VM id, whose notes contain the mark and more."""
    payload = site.payload("expression")
    create(site.node.client(), VMID, hostname="foreign", description=payload)
    with pytest.raises(OutsideFailed, match="taken by something else"):
        site.create()
    made = site.create(vmid=VMID + 1)
    client, path = site.node.client("portal"), f"/nodes/lab/lxc/{VMID + 1}/config"
    notes = f"{payload}\n{client.get(path).data['description']}\n{payload}"
    assert client.put(path, description=notes).status == 200
    resume = ResumeOrder(
        DESKTOP, VMID + 1, "lab", made.ssh_host_key_sha256, made.rdp_certificate_sha256, SOON
    )
    site.provisioner.resume(resume, on_step=_ignore, is_cancelled=_never)
    assert not site.marker.exists()
