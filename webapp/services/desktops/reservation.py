"""Reserving a VM id and an address for a desktop, inside the caller's transaction."""

from collections.abc import Collection

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.desktops.reserve import decide_share
from webapp.domain.nodes.addresses import choose_address, choose_vmid
from webapp.models import AddressReservation, Desktop, VmidReservation
from webapp.services.nodes.findings import stranger_addresses, stranger_vmids

#: So many ended desktops are looked at: an address that none of them had is as good as new.
REMEMBERED = 1000
#: What PostgreSQL's lock of `one_at_a_time` is called; any number that nobody else takes.
_TURN = 0x57494E55


def one_at_a_time(session: Session) -> None:
    """Let no other launch count or reserve until this transaction ends.

    SQLite has one writer anyway. On PostgreSQL all who ask at the same moment would choose the same
    lowest id, and all but one would have to begin again.
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
    """Give `desktop` the VM id and address that are free for longest; Refused when none is left.

    A person who holds other desktops (`held` of them) leaves the last ones to those who hold none.
    What containers of no desktop were seen to hold is not free, nor are `avoid_vmids`. Whoever
    races, the primary keys make a double impossible: the second transaction fails
    (IntegrityError) and can be run again.
    """
    one_at_a_time(session)
    taken_vmids = set(session.scalars(select(VmidReservation.vmid))) | stranger_vmids(session)
    taken_addresses = set(session.scalars(select(AddressReservation.address)))
    taken_addresses |= stranger_addresses(session)
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
    """Counts what is taken, never what is free: a pool may have 65,000 addresses."""
    percent = config.reserve_percent
    taken = sum(one in config.vmids for one in vmids)
    decide_share(held, len(config.vmids) - taken, len(config.vmids), percent)
    size = config.addresses.size
    taken = sum(config.addresses.has(one) for one in addresses)
    decide_share(held, size - taken, size, percent)


def _freed(session: Session) -> tuple[list[int | None], list[str | None]]:
    """VM ids and addresses of the desktops that ended last, the latest first."""
    rows = session.execute(
        select(Desktop.vmid, Desktop.address)
        .where(Desktop.ended_at.is_not(None))
        .order_by(Desktop.ended_at.desc())
        .limit(REMEMBERED)
    ).all()
    return [row.vmid for row in rows], [row.address for row in rows]


def release(session: Session, desktop: Desktop) -> None:
    """Free what `desktop` holds; only when its container is surely gone."""
    session.execute(delete(VmidReservation).where(VmidReservation.desktop_id == desktop.id))
    session.execute(delete(AddressReservation).where(AddressReservation.desktop_id == desktop.id))
