"""Root in a real container replaces `winux-guest` with another program."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.inside import Inside
from tests.adapters.payloads import payloads
from tests.attack.desktop_answers import lie_inside, lies_in_all_fields, lies_left
from tests.lab import ROOT, GoldenTemplate, RealLab
from tests.playbooks.actions import api_of
from tests.playbooks.operator import Desktop
from tests.portal import make_environment
from webapp.adapters.ansible import AnsibleProvisioner
from webapp.config import load
from webapp.domain.errors import OutsideFailed
from webapp.domain.nodes.mark import parse_mark
from webapp.ports import AdoptOrder, ResumeOrder

pytestmark = pytest.mark.lab

ADOPTED = "desktop-0badf00d"
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@pytest.fixture
def provisioner(
    lab_node: RealLab, golden_template: GoldenTemplate, tmp_path: Path
) -> Iterator[AnsibleProvisioner]:
    environment = make_environment(
        tmp_path,
        **lab_node.settings("portal"),
        WINUX_PORTAL_ID="hostile",
        WINUX_GUEST_KEY_FILE=str(golden_template.guest_key),
        WINUX_PLAYBOOKS_DIR=str(ROOT / "playbooks"),
        WINUX_INVENTORY=str(ROOT / "inventory" / "lab"),
    )
    provisioner = AnsibleProvisioner(load(environment))
    yield provisioner
    provisioner.close()


def test_what_root_in_a_desktop_answers_is_evaluated_nowhere(
    desktop: Desktop, lab_node: RealLab, provisioner: AnsibleProvisioner, tmp_path: Path
) -> None:
    """The desktop is adopted, which reads its answer, then resumed, which uses what was read."""
    marker = tmp_path / "evaluated"
    soon = datetime.now(UTC) + timedelta(minutes=30)
    assert desktop.create().code == 0
    inside = Inside(lab_node.bridge, desktop.vmid)
    lie_inside(inside, lies_in_all_fields(payloads(marker)["expression"]))
    made_as = parse_mark(api_of(lab_node).read(f"lxc/{desktop.vmid}/config")["description"])
    assert made_as
    adopt = AdoptOrder(
        ADOPTED, desktop.vmid, None, made_as, "desktop", "Pq7rTs9vWx2yZa4b", "us", soon
    )
    told = provisioner.adopt(adopt, is_cancelled=lambda: False)
    try:
        assert lies_left(inside) == 0
        key, certificate = told.ssh_host_key_sha256, told.rdp_certificate_sha256
        order = ResumeOrder(ADOPTED, desktop.vmid, None, key, certificate, soon)
        provisioner.resume(order, on_step=lambda _step: None, is_cancelled=lambda: False)
        assert not marker.exists()
        assert FINGERPRINT.fullmatch(key), "the key is the one that the connection saw"

        lie_inside(inside, {"text": "x" * 1_000_000, "times": 50}, {"text": "[" * 2_000_000})
        for _ in range(2):
            with pytest.raises(OutsideFailed, match="cannot be believed"):
                provisioner.since_input(told.address, key)
        assert not marker.exists()
    finally:
        provisioner.destroy(ADOPTED, desktop.vmid)
