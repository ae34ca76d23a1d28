"""Assigns a claimed pool desktop: sets the user name, password and keyboard its person requested.

A launch with the settings of the built desktop needs no assignment (services/desktops/claim.py).
The claim has already written user name, keyboard and a new password to the row, so an interrupted
run can simply be repeated.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from webapp.config import Config
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import INTERRUPTED, decide_retry, pause_before
from webapp.domain.states import EndReason, Event, State, can
from webapp.models import Desktop
from webapp.ports import AssignOrder, BuildResult, Clock, Database, Provisioner, Vault
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktop_end import record_failure, request_end
from webapp.services.desktops.claim import become_ready
from webapp.services.desktops.lifetime import note_told
from webapp.services.provisioning.cancellation import Cancel
from webapp.services.provisioning.lease import KeptLease, Lease, Leases
from webapp.services.provisioning.run import about, chance, leave, work_on_one
from webapp.services.provisioning.steps import Steps, finish_steps

log = logging.getLogger(__name__)

_WAITING = Desktop.state == State.ASSIGNING


class Assigner:
    """Assigns the desktop that has waited longest."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        config: Config,
        vault: Vault,
        audit: Audit,
        provisioner: Provisioner,
        leases: Leases,
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit
        self._provisioner = provisioner
        self._leases = leases

    def assign_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Assign one claimed desktop, or continue one whose worker died. Returns False if there is
        none.

        If `is_stopping` returns true, this worker is stopping: the run is cancelled and left to
        another worker.
        """
        return work_on_one(self._leases, _WAITING, lambda lease: self._assign(lease, is_stopping))

    def _assign(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        with KeptLease(self._leases, lease) as kept:
            cancel = Cancel(self._db, self._clock, lease, kept, is_stopping, State.ASSIGNING)
            try:
                told_at = self._run(lease.desktop, cancel)
            except OutsideFailed as error:
                if cancel.is_for_later:
                    leave(self._leases, lease, "Assignment")
                elif self._passes(lease.desktop, error):
                    self._put_back(lease, error)
                else:
                    self._fail(lease, error)
            else:
                self._record(lease, told_at)

    def _passes(self, desktop: Desktop, error: OutsideFailed) -> bool:
        """Whether the failure is temporary and there is time for a retry."""
        begun = self._clock.now() - desktop.asked_at
        return decide_retry(error.reason, begun, self._config.build_timeout)

    def _run(self, desktop: Desktop, is_cancelled: Callable[[], bool]) -> datetime:
        """Run the playbook. Returns the deadline that was sent to the desktop."""
        now = self._clock.now()
        if now - desktop.asked_at > self._config.build_timeout:
            raise OutsideFailed(
                "It was interrupted and could not be finished in time.",
                retry=True,
                reason=INTERRUPTED,
            )
        order = self._order(desktop)
        result = self._provisioner.assign(
            order,
            on_step=Steps(self._db, self._clock, desktop.id).begin,
            is_cancelled=is_cancelled,
        )
        _verify(desktop, result)
        return order.deadline_at

    def _order(self, desktop: Desktop) -> AssignOrder:
        if desktop.vmid is None or not desktop.ssh_host_key_sha256 or not desktop.password_locked:
            raise OutsideFailed("Its VM id, host key or password is not known.", retry=False)
        return AssignOrder(
            desktop_id=desktop.public_id,
            vmid=desktop.vmid,
            node=desktop.node,
            ssh_host_key_sha256=desktop.ssh_host_key_sha256,
            rdp_username=desktop.rdp_username,
            rdp_password=self._vault.unlock(desktop.password_locked),
            keyboard_layout=desktop.keyboard_layout,
            deadline_at=self._clock.now() + timedelta(minutes=desktop.minutes),
        )

    # -- writing down -----------------------------------------------------------------------------

    def _record(self, lease: Lease, told_at: datetime) -> None:
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            finish_steps(session, desktop.id, now)
            if not can(desktop.state, Event.ASSIGNED):  # stopped in the meantime
                return
            become_ready(desktop, now)
            desktop.attempts, desktop.failure_reason = 0, None
            note_told(desktop, told_at)
            self._audit.record(session, SYSTEM, "desktop.ready", desktop.public_id)
        log.info("Desktop assigned", extra=about(lease))

    def _fail(self, lease: Lease, error: OutsideFailed) -> None:
        """Record the failure and request the teardown: the desktop may be partly assigned."""
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            if not can(desktop.state, Event.BROKE):  # stopped: the run failed as it was cancelled
                return
            record_failure(desktop, error, now)
            request_end(desktop, EndReason.FAILED, now)
            self._audit.record(
                session, SYSTEM, "desktop.assign_failed", desktop.public_id, str(error)
            )
        log.warning("Assignment failed: %s", error, extra=about(lease))

    def _put_back(self, lease: Lease, error: OutsideFailed) -> None:
        """Schedule a retry: each step of the playbook may be repeated."""
        with self._leases.giving_back(lease) as (_session, desktop):
            if desktop.state != State.ASSIGNING:
                return
            desktop.attempts += 1
            desktop.retry_at = self._clock.now() + pause_before(desktop.attempts, chance())
            desktop.failure_reason = error.reason
        log.warning("Assignment postponed: %s", error, extra=about(lease))


def _verify(desktop: Desktop, result: BuildResult) -> None:
    """Raise OutsideFailed unless host key and certificate are those of the desktop as built."""
    if (result.ssh_host_key_sha256, result.rdp_certificate_sha256) != (
        desktop.ssh_host_key_sha256,
        desktop.rdp_certificate_sha256,
    ):
        raise OutsideFailed("Another machine answered at the desktop's address.", retry=False)
