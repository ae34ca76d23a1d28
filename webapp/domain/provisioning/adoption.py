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
        raise Refused(
            "gone",
            f"There is no container {vmid}, or not in the token's pool.",
            what_to_do="See the VM id in Proxmox, or make a desktop with "
            "playbooks/create-winux-session.yml.",
        )
    mark = _decide_ours(portal_id, vmid, container)
    if not container.is_running or container.lock:
        state = f"is locked ({container.lock})" if container.lock else "does not run"
        raise Refused(
            "stopped", f"The container {vmid} {state}.", what_to_do="Start it first, and try again."
        )
    _decide_address(vmid, container, pool)
    if mark.desktop_id in taken_ids:
        raise Refused(
            "id_taken",
            f"There is a desktop {mark.desktop_id} already.",
            what_to_do="Make the new one with another session_id.",
        )
    return mark


def _decide_ours(portal_id: str, vmid: int, container: SeenContainer) -> Mark:
    if container.is_template:
        raise Refused(
            "template",
            f"The container {vmid} is a template, not a desktop.",
            what_to_do="Offer it to people with: ./winux template publish",
        )
    mark = container.mark
    if mark is None or mark.portal_id not in (BY_HAND, portal_id):
        owner = f"belongs to the portal {mark.portal_id}" if mark else "carries no mark of Winux"
        raise Refused(
            "foreign",
            f"The container {vmid} {owner}.",
            what_to_do="Only desktops that playbooks/create-winux-session.yml made are adopted.",
        )
    if not PUBLIC_ID.fullmatch(mark.desktop_id):
        raise Refused(
            "bad_id",
            f"{mark.desktop_id} cannot be a desktop's id: at most 32 of a-z, 0-9 and -.",
            what_to_do="Make the desktop anew with a shorter session_id.",
        )
    return mark


def _decide_address(vmid: int, container: SeenContainer, pool: AddressPool) -> None:
    if not container.address or not container.address[:1].isdigit():
        raise Refused(
            "no_address",
            f"The container {vmid} has no fixed address.",
            what_to_do="Give it one in Proxmox (net0), inside the desktops' network "
            f"{pool.network}.",
        )
    address = IPv4Address(container.address)
    if address not in pool.network or address == pool.gateway:
        raise Refused(
            "address_outside",
            f"Its address {address} is not one of the desktops' network {pool.network}.",
            what_to_do="Give it an address in that network, or set WINUX_NETWORK.",
        )
