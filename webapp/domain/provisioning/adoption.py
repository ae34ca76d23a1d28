"""Whether a manually created container can become a desktop of the portal."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address

from webapp.domain.errors import Refused
from webapp.domain.nodes.addresses import AddressPool
from webapp.domain.nodes.mark import Mark
from webapp.domain.upkeep.drift import SeenContainer

#: The portal name in the marks that the playbooks write when a person runs them.
BY_HAND = "manual"
PUBLIC_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def decide_adoption(
    portal_id: str,
    vmid: int,
    container: SeenContainer | None,
    pool: AddressPool,
    taken_ids: Collection[str],
) -> Mark:
    """Returns the container's mark. Raises Refused, with what to do, if it cannot be adopted.

    `taken_ids` are public ids of desktops that have not ended.
    """
    if container is None:
        raise Refused("gone", vmid=vmid)
    mark = _decide_ours(portal_id, vmid, container)
    if container.lock:
        raise Refused("stopped.locked", vmid=vmid, lock=container.lock)
    if not container.is_running:
        raise Refused("stopped.off", vmid=vmid)
    _decide_address(vmid, container, pool)
    if mark.desktop_id in taken_ids:
        raise Refused("id_taken", desktop=mark.desktop_id)
    return mark


def _decide_ours(portal_id: str, vmid: int, container: SeenContainer) -> Mark:
    if container.is_template:
        raise Refused("template", vmid=vmid)
    mark = container.mark
    if mark is None:
        raise Refused("foreign.no_mark", vmid=vmid)
    if mark.portal_id not in (BY_HAND, portal_id):
        raise Refused("foreign.portal", vmid=vmid, portal=mark.portal_id)
    if not PUBLIC_ID.fullmatch(mark.desktop_id):
        raise Refused("bad_id", desktop=mark.desktop_id)
    return mark


def _decide_address(vmid: int, container: SeenContainer, pool: AddressPool) -> None:
    if not container.address or not container.address[:1].isdigit():
        raise Refused("no_address.container", vmid=vmid, network=str(pool.network))
    address = IPv4Address(container.address)
    if address not in pool.network or address == pool.router:
        raise Refused("address_outside", address=str(address), network=str(pool.network))
