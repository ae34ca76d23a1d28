"""Pauses desktops: shuts the container down and keeps it, with retries until it is stopped.

If the owner resumes or stops the desktop in the meantime, the run is cancelled.
"""

import logging
from collections.abc import Callable

from webapp.config import Config
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import pause_before
from webapp.domain.states import Event, State, advance
from webapp.domain.upkeep.drift import Loss
from webapp.models import Desktop
from webapp.ports import Clock, Database, Hypervisor, Provisioner
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.nodes.cluster import is_reachable
from webapp.services.provisioning.cancellation import Cancel
from webapp.services.provisioning.lease import KeptLease, Lease, Leases
from webapp.services.provisioning.loss import end_lost, find_container_loss
from webapp.services.provisioning.run import about, chance, leave, work_on_one
from webapp.services.provisioning.steps import Steps, finish_steps

log = logging.getLogger(__name__)


class Pauser:
    """Pauses the desktop that has waited longest for it."""

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

    def pause_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Pause one desktop, or continue one whose worker died. Returns False if there is none.

        If `is_stopping` returns true, this worker is stopping: the run is cancelled and left to
        another worker.
        """
        wanted = (Desktop.state == State.PAUSING) & is_reachable(self._clock.now())
        return work_on_one(self._leases, wanted, lambda lease: self._pause(lease, is_stopping))

    def _pause(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        with KeptLease(self._leases, lease) as kept:
            cancel = Cancel(self._db, self._clock, lease, kept, is_stopping, State.PAUSING)
            trouble = self._run(lease.desktop, cancel)
            if cancel.is_set:
                leave(self._leases, lease, "Pause")
                return
            try:
                fate = find_container_loss(self._hypervisor, self._config.portal_id, lease.desktop)
            except OutsideFailed as unknown:
                self._wait(lease, trouble or unknown)
                return
            self._record(lease, fate, trouble)

    def _run(self, desktop: Desktop, is_cancelled: Callable[[], bool]) -> OutsideFailed | None:
        """Run the playbook. Returns its error, or None."""
        try:
            self._provisioner.pause(
                desktop.public_id,
                desktop.vmid or 0,
                node=desktop.node,
                on_step=Steps(self._db, self._clock, desktop.id).begin,
                is_cancelled=is_cancelled,
            )
        except OutsideFailed as error:
            return error
        return None

    # -- writing down -----------------------------------------------------------------------------

    def _record(self, lease: Lease, fate: Loss | None, trouble: OutsideFailed | None) -> None:
        """Record the result by the state on the node, not by the playbook's result."""
        if fate is None:
            runs = OutsideFailed("The container still runs after its shutdown.", retry=True)
            self._wait(lease, trouble or runs)
            return
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            finish_steps(session, desktop.id, now)
            if desktop.state != State.PAUSING:  # stopped or resumed in the meantime
                return
            if fate is not Loss.STOPPED:
                end_lost(session, self._audit, desktop, fate, now)
                return
            advance(desktop, Event.SHUT_DOWN, now)
            if desktop.attempts:  # otherwise the failure is why it could not be resumed: keep it
                desktop.failure = desktop.failure_reason = desktop.failure_log = None
            desktop.attempts, desktop.retry_at = 0, None
            self._audit.record(session, SYSTEM, "desktop.paused", desktop.public_id)
        log.info("Desktop paused", extra=about(lease))

    def _wait(self, lease: Lease, error: OutsideFailed) -> None:
        """Record the failure and schedule a retry, as long as the pause is wanted."""
        with self._leases.giving_back(lease) as (_session, desktop):
            if desktop.state != State.PAUSING:
                return
            desktop.attempts += 1
            desktop.retry_at = self._clock.now() + pause_before(desktop.attempts, chance())
            desktop.failure = f"It could not be paused yet: {error}"[:500]
            desktop.failure_reason = error.reason[:16] or None
            desktop.failure_log = error.log or None
            tries = desktop.attempts
        log.warning("Pause failed, attempt %s: %s", tries, error, extra=about(lease))
