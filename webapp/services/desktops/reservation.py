"""Reserves a VM id and an address for a desktop, in the caller's transaction."""

from collections.abc import Collection

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.desktops.reserve import decide_share
from webapp.domain.nodes.addresses import choose_address, choose_vmid
from webapp.models import AddressReservation, Desktop, VmidReservation
from webapp.services.nodes.findings import foreign_addresses, foreign_vmids

#: Number of latest ended desktops to check; VM ids and addresses that none of them had count as
#: never used.
REMEMBERED = 1000
#: Number of PostgreSQL's advisory lock in `one_at_a_time`; arbitrary, but used for nothing else.
_TURN = 0x57494E55


def one_at_a_time(session: Session) -> None:
    """Block other launches from counting or reserving until this transaction ends.

    SQLite has one writer anyway. On PostgreSQL, without this lock, simultaneous launches would
    choose the same lowest id, and all but one would have to start again.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_TURN)))


def reserve(
    session: Session,
    config: Config,
    desktop: Desktop,
    *,
    avoid_vmids: Collection[int] = (),
    held: int = 0,
) -> None:
    """Reserve for `desktop` the VM id and address that have been free longest.

    Raises Refused if none is left. The last ones are kept for people without a desktop, so they
    are refused to a person who holds others (`held` of them). Ids and addresses of foreign
    containers and `avoid_vmids` are not free. In a race the primary keys prevent a double
    reservation: the second transaction fails with IntegrityError and can be retried.
    """
    one_at_a_time(session)
    taken_vmids = set(session.scalars(select(VmidReservation.vmid))) | foreign_vmids(session)
    taken_addresses = set(session.scalars(select(AddressReservation.address)))
    taken_addresses |= foreign_addresses(session)
    _keep_for_others(config, held, taken_vmids, taken_addresses)
    freed_vmids, freed_addresses = _freed(session)
    desktop.vmid = choose_vmid(
        config.vmid_first,
        config.vmid_last,
        taken_vmids | set(avoid_vmids),
        freed_vmids,
    )
    desktop.address = choose_address(config.addresses, taken_addresses, freed_addresses)
    session.flush()  # the desktop needs its id first
    session.add(VmidReservation(vmid=desktop.vmid, desktop_id=desktop.id))
    session.add(AddressReservation(address=desktop.address, desktop_id=desktop.id))


def _keep_for_others(
    config: Config, held: int, vmids: Collection[int], addresses: Collection[str]
) -> None:
    """Raise Refused if the share of this person is used up. Counts the taken ones, never the free
    ones: a pool may have 65,000 addresses."""
    percent = config.reserve_percent
    taken = sum(one in config.vmids for one in vmids)
    decide_share(held, len(config.vmids) - taken, len(config.vmids), percent)
    size = config.addresses.size
    taken = sum(config.addresses.has(one) for one in addresses)
    decide_share(held, size - taken, size, percent)


def _freed(session: Session) -> tuple[list[int | None], list[str | None]]:
    """VM ids and addresses of the latest ended desktops, newest first."""
    rows = session.execute(
        select(Desktop.vmid, Desktop.address)
        .where(Desktop.ended_at.is_not(None))
        .order_by(Desktop.ended_at.desc())
        .limit(REMEMBERED)
    ).all()
    return [row.vmid for row in rows], [row.address for row in rows]


def release(session: Session, desktop: Desktop) -> None:
    """Delete the reservations of `desktop`. Call it only when its container is verified gone."""
    session.execute(delete(VmidReservation).where(VmidReservation.desktop_id == desktop.id))
    session.execute(delete(AddressReservation).where(AddressReservation.desktop_id == desktop.id))
