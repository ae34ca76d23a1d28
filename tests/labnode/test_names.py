"""Names of interfaces and control groups are short enough for any bridge and container name."""

from labnode.network import BRIDGE_NAME, LAST_VMID, port_name

LONGEST_INTERFACE = 15


def test_no_interface_name_is_longer_than_the_kernel_allows() -> None:
    bridge = "b" * 8
    assert BRIDGE_NAME.fullmatch(bridge)
    assert not BRIDGE_NAME.fullmatch(f"{bridge}b")
    assert len(port_name(bridge, LAST_VMID)) == LONGEST_INTERFACE


def test_no_two_containers_share_an_interface_name() -> None:
    vmids = [*range(100, 40_000), *range(LAST_VMID - 1000, LAST_VMID + 1)]
    assert len({port_name("wxbr0", vmid) for vmid in vmids}) == len(vmids)
