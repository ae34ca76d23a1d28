"""What all work on one desktop under a lease has in common."""

import logging
import random
from collections.abc import Callable

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from webapp.models import Desktop
from webapp.services.provisioning.lease import Lease, LeaseLost, Leases

log = logging.getLogger(__name__)

#: Random jitter, 0 to 1: spreads the retries of desktops with the same failure.
chance = random.SystemRandom().random


def work_on_one(
    leases: Leases,
    wanted: ColumnElement[bool],
    work: Callable[[Lease], None],
    begin: Callable[[Session, Desktop], None] = lambda _session, _desktop: None,
) -> bool:
    """Lease the `wanted` desktop that has waited longest, and `work` on it; False: there is none.

    `begin` writes to the row in the transaction that takes the lease.
    """
    lease = leases.claim(wanted, begin)
    if lease is None:
        return False
    under_lease(lease, work)
    return True


def under_lease(lease: Lease, work: Callable[[Lease], None]) -> None:
    """`work`, which ends without a trace once another worker has taken the lease over."""
    try:
        work(lease)
    except LeaseLost:
        log.warning("Lease lost to another worker", extra=about(lease))


def leave(leases: Leases, lease: Lease, what: str) -> None:
    """Give the lease back with the row unchanged; `what` was going on, for the log."""
    with leases.giving_back(lease):
        log.info("%s postponed", what, extra=about(lease))


def about(lease: Lease) -> dict[str, str]:
    """The members of a log line that name the desktop."""
    return {"desktop": lease.desktop.public_id}
