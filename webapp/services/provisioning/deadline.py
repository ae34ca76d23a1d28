"""Sends desktops their new deadlines, for the warning that they show."""

import logging

from sqlalchemy import or_

from webapp.domain.errors import OutsideFailed
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.ports import Clock, Provisioner
from webapp.services.desktops.guest_troubles import may_be_asked, note_bad_answer, note_good_answer
from webapp.services.provisioning.lease import Lease, LeaseLost, Leases

log = logging.getLogger(__name__)


class DeadlineSender:
    """Sends a desktop its new deadline, for the warning that it shows."""

    def __init__(self, clock: Clock, provisioner: Provisioner, leases: Leases) -> None:
        self._clock = clock
        self._provisioner = provisioner
        self._leases = leases

    def send_deadline_one(self, *, suspects: bool | None = None) -> bool:
        """Send one desktop its deadline. Returns False if none needs it.

        `suspects`: only desktops whose last answer was bad (True), only the others (False), or all
        (None).
        """
        wanted = _MISTAKEN & may_be_asked(self._clock, suspects=suspects)
        lease = self._leases.claim(wanted, lambda _session, _desktop: None)
        if lease is None:
            return False
        try:
            self._tell(lease)
        except LeaseLost as error:
            log.info("%s", error)
        return True

    def _tell(self, lease: Lease) -> None:
        desktop = lease.desktop
        deadline_at = desktop.deadline_at or self._clock.now()
        about = {"desktop": desktop.public_id}
        try:
            self._provisioner.set_deadline(
                desktop.address or "", desktop.ssh_host_key_sha256 or "", deadline_at
            )
        except OutsideFailed as error:
            log.warning("Deadline not sent to desktop: %s", error, extra=about)
            with self._leases.giving_back(lease) as (_session, now_is):
                note_bad_answer(now_is, error, self._clock)
        else:
            with self._leases.giving_back(lease) as (_session, now_is):
                note_good_answer(now_is)
                now_is.deadline_told_at = deadline_at


#: Selects ready desktops whose last sent deadline differs from the one in their row.
_MISTAKEN = (Desktop.state == State.READY) & or_(
    Desktop.deadline_told_at.is_(None), Desktop.deadline_told_at != Desktop.deadline_at
)
