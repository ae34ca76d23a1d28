"""Resumes paused desktops: starts the container; the desktop is ready when its screen answers.

A failure never loses the desktop: the start is retried, and finally the desktop is paused again.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from webapp.config import Config
from webapp.domain.desktops import pauses as rules
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import pause_before
from webapp.domain.states import Event, State, advance
from webapp.domain.upkeep.drift import Loss
from webapp.models import Desktop
from webapp.ports import Clock, Database, Hypervisor, Provisioner, ResumeOrder
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktops.lifetime import note_told
from webapp.services.desktops.pauses import end_pause
from webapp.services.nodes.cluster import is_reachable, read_cluster
from webapp.services.provisioning.cancellation import Cancel
from webapp.services.provisioning.clone_queue import LOOK_AGAIN
from webapp.services.provisioning.lease import KeptLease, Lease, Leases
from webapp.services.provisioning.loss import end_lost, find_container_loss
from webapp.services.provisioning.run import about, chance, leave, work_on_one
from webapp.services.provisioning.steps import Steps, finish_steps

log = logging.getLogger(__name__)


class Resumer:
    """Resumes the desktop that has waited longest for it."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        config: Config,
        audit: Audit,
        provisioner: Provisioner,
        hypervisor: Hypervisor,
        leases: Leases,
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit
        self._provisioner = provisioner
        self._hypervisor = hypervisor
        self._leases = leases

    def resume_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Resume one desktop, or continue one whose worker died. Returns False if there is none.

        If `is_stopping` returns true, this worker is stopping: the run is cancelled and left to
        another worker.
        """
        wanted = (Desktop.state == State.RESUMING) & is_reachable(self._clock.now())
        return work_on_one(self._leases, wanted, lambda lease: self._resume(lease, is_stopping))

    def _resume(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        if not self._has_room(lease.desktop):
            self._wait_for_room(lease)
            return
        told_at = self._deadline(lease.desktop)
        with KeptLease(self._leases, lease) as kept:
            cancel = Cancel(self._db, self._clock, lease, kept, is_stopping, State.RESUMING)
            trouble = self._run(lease.desktop, told_at, cancel)
            if cancel.is_set:
                leave(self._leases, lease, "Resume")
                return
            try:
                fate = find_container_loss(self._hypervisor, self._config.portal_id, lease.desktop)
            except OutsideFailed as unknown:
                self._wait(lease, trouble or unknown)
                return
            if trouble is None and fate is None:
                self._record(lease, told_at)
            elif fate in (Loss.GONE, Loss.REPLACED):
                self._lose(lease, fate)
            else:
                down = OutsideFailed("The container went down after its start.", retry=True)
                self._wait(lease, trouble or down)

    def _has_room(self, desktop: Desktop) -> bool:
        """Whether its node has memory for it. Its memory is reserved as long as the lease holds,
        and is already subtracted here."""
        with self._db.read() as session:
            cluster = read_cluster(session, self._config, self._clock.now())
        left = cluster.left_mb(desktop.node)
        return left is None or left >= 0

    def _deadline(self, desktop: Desktop) -> datetime:
        """Returns its deadline if it were ready now."""
        now = self._clock.now()
        return now + rules.time_left(desktop.deadline_at or now, desktop.paused_at, now)

    def _run(
        self, desktop: Desktop, deadline_at: datetime, is_cancelled: Callable[[], bool]
    ) -> OutsideFailed | None:
        """Run the playbook. Returns its error, or None."""
        order = ResumeOrder(
            desktop_id=desktop.public_id,
            vmid=desktop.vmid or 0,
            node=desktop.node,
            ssh_host_key_sha256=desktop.ssh_host_key_sha256 or "",
            rdp_certificate_sha256=desktop.rdp_certificate_sha256 or "",
            deadline_at=deadline_at,
        )
        on_step = Steps(self._db, self._clock, desktop.id).begin
        try:
            self._provisioner.resume(order, on_step=on_step, is_cancelled=is_cancelled)
        except OutsideFailed as error:
            return error
        return None

    # -- writing down -----------------------------------------------------------------------------

    def _record(self, lease: Lease, told_at: datetime) -> None:
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            finish_steps(session, desktop.id, now)
            if desktop.state != State.RESUMING:  # stopped in the meantime
                return
            end_pause(desktop, now)
            note_told(desktop, told_at)
            self._audit.record(session, SYSTEM, "desktop.resumed", desktop.public_id)
        log.info("Desktop resumed", extra=about(lease))

    def _lose(self, lease: Lease, loss: Loss) -> None:
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            finish_steps(session, desktop.id, now)
            if desktop.state == State.RESUMING:
                end_lost(session, self._audit, desktop, loss, now)

    def _wait(self, lease: Lease, error: OutsideFailed) -> None:
        """Schedule a retry. After too many failures the desktop is paused again, with all
        files."""
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            if desktop.state != State.RESUMING:
                return
            finish_steps(session, desktop.id, now)
            desktop.attempts += 1
            tries = desktop.attempts
            desktop.failure = f"It could not be resumed: {error}"[:500]
            desktop.failure_reason = error.reason[:16] or None
            desktop.failure_log = error.log or None
            if rules.is_given_up(tries, error.reason):
                advance(desktop, Event.RESUME_GIVEN_UP, now)
                desktop.attempts, desktop.retry_at = 0, None
                desktop.failure_reason = rules.NOT_RESUMED
                subject = desktop.public_id
                self._audit.record(session, SYSTEM, "desktop.resume_failed", subject, str(error))
            else:
                desktop.retry_at = now + pause_before(tries, chance())
        log.warning("Resume failed, attempt %s: %s", tries, error, extra=about(lease))

    def _wait_for_room(self, lease: Lease) -> None:
        with self._leases.giving_back(lease) as (_session, desktop):
            if desktop.state == State.RESUMING:
                desktop.retry_at = self._clock.now() + LOOK_AGAIN
                desktop.failure_reason = rules.NO_ROOM
