"""Which containers can become desktops of the portal."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from webapp.domain.errors import Refused
from webapp.domain.nodes.addresses import AddressPool
from webapp.domain.nodes.mark import Mark
from webapp.domain.provisioning.adoption import decide_adoption
from webapp.domain.upkeep.drift import SeenContainer
from webapp.texts.sentences import what_to_do

MADE = Mark("manual", "desktop-00000001")
POOL = AddressPool(
    IPv4Network("10.203.0.0/24"),
    IPv4Address("10.203.0.64"),
    IPv4Address("10.203.0.254"),
    IPv4Address("10.203.0.1"),
)


def _container(**changes: object) -> SeenContainer:
    values: dict[str, object] = {
        "vmid": 20001,
        "is_running": True,
        "is_template": False,
        "lock": None,
        "mark": MADE,
        "address": "10.203.0.12",
    }
    return SeenContainer(**{**values, **changes})  # type: ignore[arg-type]  # values are of any type


@pytest.mark.parametrize("mark", [MADE, Mark("portal", "desktop-00000001")])
def test_what_was_made_by_hand_or_forgotten_can_be_adopted(mark: Mark) -> None:
    assert decide_adoption("portal", 20001, _container(mark=mark), POOL, ()) == mark


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (None, "gone"),
        (_container(mark=None), "foreign"),
        (_container(mark=Mark("other", "desktop-00000001")), "foreign"),
        (_container(is_template=True), "template"),
        (_container(is_running=False), "stopped"),
        (_container(lock="backup"), "stopped"),
        (_container(address=None), "no_address"),
        (_container(address="dhcp"), "no_address"),
        (_container(address="10.204.0.12"), "address_outside"),
        (_container(address="10.203.0.1"), "address_outside"),
        (_container(mark=Mark("manual", "d" * 33)), "bad_id"),
        (_container(mark=Mark("portal", "desktop-00000002")), "id_taken"),
    ],
)
def test_everything_else_is_refused_with_what_to_do(
    container: SeenContainer | None, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        decide_adoption("portal", 20001, container, POOL, {"desktop-00000002"})
    assert refusal.value.reason == reason
    assert what_to_do(refusal.value)
