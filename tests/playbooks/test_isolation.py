"""The doctor tries from inside one real desktop to connect to another."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import RealLab
from tests.playbooks.operator import Desktop, Operator
from webapp.adapters.examine_isolation import IsolationExaminer
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.ports import Neighbour

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def two(operator: Operator) -> Iterator[list[Desktop]]:
    desktops = [operator.new_desktop(), operator.new_desktop()]
    for desktop in desktops:
        run = desktop.create()
        assert run.code == 0, run.output
    yield desktops
    for desktop in desktops:
        assert desktop.destroy().code == 0


def tried(operator: Operator, desktops: list[Desktop], **changes: Any) -> CheckResult:
    neighbours = [
        Neighbour(
            one.session_id,
            owner,
            one.vmid,
            "lab",
            one.told["address"],
            changes.get("key", one.told["ssh_host_key_sha256"]),
        )
        for owner, one in enumerate(desktops)
    ]
    key = Path(operator.environment["WINUX_GUEST_KEY_FILE"])
    [sign] = IsolationExaminer(key, lambda: neighbours).examine()
    return sign


def test_desktops_that_are_kept_apart_are_found_to_be(
    operator: Operator, two: list[Desktop]
) -> None:
    sign = tried(operator, two)
    assert (sign.health, "does not reach ports 22 and 3389" in sign.text) == (Health.GOOD, True)


def test_desktops_that_reach_each_other_are_told(
    operator: Operator, two: list[Desktop], lab_node: RealLab
) -> None:
    """Remove the lab node's packet filter, as on a node whose firewall was switched off."""
    _open(lab_node)
    try:
        sign = tried(operator, two)
    finally:
        lab_node.stop()
        lab_node.start()  # writes its filter again
    assert (sign.health, "reaches port 22, 3389 of" in sign.text) == (Health.WARN, True), sign


def _open(lab: RealLab) -> None:
    subprocess.run(["nft", "delete", "table", "bridge", f"winux_{lab.bridge}"], check=True)
    subprocess.run(["nft", "delete", "table", "inet", f"winux_{lab.bridge}"], check=True)
    for port in Path(f"/sys/class/net/{lab.bridge}/brif").iterdir():
        subprocess.run(["bridge", "link", "set", "dev", port.name, "isolated", "off"], check=True)


def test_one_desktop_alone_or_one_that_does_not_answer_is_unknown(
    operator: Operator, two: list[Desktop]
) -> None:
    assert tried(operator, two[:1]).health is Health.UNKNOWN
    assert tried(operator, two, key="SHA256:somebody-else").health is Health.UNKNOWN
