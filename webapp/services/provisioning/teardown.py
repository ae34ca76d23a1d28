"""Tears desktops down: removes everything a desktop holds, with retries until it is gone."""

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import and_, or_
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.errors import OutsideFailed
from webapp.domain.nodes.mark import Mark, parse_mark
from webapp.domain.states import EndReason, Event, State, advance
from webapp.models import Desktop
from webapp.ports import Clock, Hypervisor, Provisioner
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktop_end import request_end
from webapp.services.desktops.reservation import release
from webapp.services.nodes.cluster import is_reachable
from webapp.services.provisioning.lease import KeptLease, Lease, Leases
from webapp.services.provisioning.run import about, work_on_one

log = logging.getLogger(__name__)

#: Maximum retry interval of a failed teardown; it begins with 2, 4, 8 … seconds.
LONGEST_WAIT = timedelta(minutes=5)


class Teardown:
    """Removes the desktop that has waited longest for its teardown."""

    def __init__(
        self,
        clock: Clock,
        config: Config,
        audit: Audit,
        provisioner: Provisioner,
        hypervisor: Hypervisor,
        leases: Leases,
    ) -> None:
        self._clock = clock
        self._config = config
        self._audit = audit
        self._provisioner = provisioner
        self._hypervisor = hypervisor
        self._leases = leases

    def teardown_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Remove one desktop that must end. Returns False if there is none.

        If `is_stopping` returns true, this worker is stopping: the run is cancelled, and another
        worker repeats it.
        """
        going = and_(_GOING, is_reachable(self._clock.now()))
        return work_on_one(
            self._leases, going, lambda lease: self._teardown(lease, is_stopping), self._begin
        )

    def _begin(self, _session: Session, desktop: Desktop) -> None:
        if desktop.state == State.FAILED:
            request_end(desktop, EndReason.FAILED, self._clock.now())

    def _teardown(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        with KeptLease(self._leases, lease) as kept:
            try:
                self._remove(lease.desktop, lambda: is_stopping() or kept.is_lost)
            except OutsideFailed as error:
                self._wait(lease, error, is_stopping())
            else:
                self._end(lease)

    def _remove(self, desktop: Desktop, is_cancelled: Callable[[], bool]) -> None:
        """Remove the container. Raises OutsideFailed unless it is verified gone (or was never
        ours)."""
        if desktop.vmid is None or desktop.build_started_at is None:
            return
        try:
            self._provisioner.destroy(
                desktop.public_id, desktop.vmid, node=desktop.node, is_cancelled=is_cancelled
            )
        except OutsideFailed:
            if is_cancelled() or not self._is_anothers(desktop):
                raise
        container = self._hypervisor.container(desktop.vmid)
        ours = Mark(self._config.portal_id, desktop.public_id)
        if container and parse_mark(container.description) == ours:
            raise OutsideFailed(
                f"Proxmox still has the container {desktop.vmid} after its removal.", retry=True
            )

    def _is_anothers(self, desktop: Desktop) -> bool:
        """Whether another container certainly has the VM id now, so that ours no longer exists.

        The desktop's own container without its mark does not count as another one: see
        `domain/upkeep/drift.py`.
        """
        container = self._hypervisor.container(desktop.vmid or 0)
        mark = parse_mark(container.description) if container else None
        is_own = mark == Mark(self._config.portal_id, desktop.public_id)
        is_unmarked = container and mark is None and container.name == desktop.public_id
        return container is not None and not is_own and not is_unmarked

    def _end(self, lease: Lease) -> None:
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            advance(desktop, Event.DESTROYED, now)
            desktop.ended_at = now
            desktop.retry_at = None
            desktop.password_locked = None
            if desktop.end_reason not in _WORTH_TELLING:
                desktop.failure = None  # it only explained why the teardown was delayed
            release(session, desktop)
            self._audit.record(
                session, SYSTEM, "desktop.end", desktop.public_id, desktop.end_reason or ""
            )
        log.info("Desktop ended", extra=about(lease))

    def _wait(self, lease: Lease, error: OutsideFailed, is_stopping: bool) -> None:
        """Keep all reservations, record the failure, and retry later, without a limit."""
        with self._leases.giving_back(lease) as (_session, desktop):
            if is_stopping:  # cancelled because the worker is stopping: not a failure
                return
            desktop.attempts += 1
            pause = min(timedelta(seconds=2 ** min(desktop.attempts, 10)), LONGEST_WAIT)
            desktop.retry_at = self._clock.now() + pause
            if desktop.end_reason not in _WORTH_TELLING:  # otherwise the first failure is kept
                desktop.failure = f"It could not be removed yet: {error}"[:500]
            desktop.failure_log = error.log or desktop.failure_log
            log.warning(
                "Teardown failed, attempt %s: %s", desktop.attempts, error, extra=about(lease)
            )


#: End reasons whose failure text is kept after the end.
_WORTH_TELLING = frozenset({EndReason.FAILED, EndReason.LOST})
#: Selects rows to tear down.
_GOING = or_(Desktop.state == State.STOPPING, Desktop.state == State.FAILED)
