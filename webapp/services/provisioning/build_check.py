"""Checks on the node that a desktop was built; the exit code of a playbook is not enough."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from webapp.domain.desktops.estimate import LAST_STEP
from webapp.domain.errors import OutsideFailed
from webapp.domain.upkeep.drift import find_loss
from webapp.ports import BuildOrder, Container, Hypervisor
from webapp.services.provisioning.loss import as_seen

#: Seconds between checks of a node that did not answer right after a build.
LOOK_AGAIN = (0.5, 2.0, 5.0)


class BuildCheck:
    """The check of one build. A first check runs in parallel with the last step, to save time. Its
    result is used only if it is good; otherwise the container is checked again."""

    def __init__(
        self,
        hypervisor: Hypervisor,
        portal_id: str,
        order: BuildOrder,
        look_again: Sequence[float] = LOOK_AGAIN,
    ) -> None:
        self._hypervisor = hypervisor
        self._portal_id = portal_id
        self._order = order
        self._look_again = look_again
        self._early: Future[Container | None] | None = None

    def note_step(self, step: str) -> None:
        """Called when the playbook begins a step."""
        if step == LAST_STEP:
            thread = ThreadPoolExecutor(1)
            self._early = thread.submit(self._hypervisor.container, self._order.vmid)
            thread.shutdown(wait=False)

    def require_built(self) -> None:
        """Raise OutsideFailed(retry=True) unless the node has the desktop as ordered."""
        if self._looked_good_early():
            return
        if trouble := self._trouble_with(self._look(self._order.vmid)):
            raise OutsideFailed(trouble, retry=True)

    def _looked_good_early(self) -> bool:
        if self._early is None:
            return False
        try:
            return not self._trouble_with(self._early.result())
        except OutsideFailed:
            return False

    def _trouble_with(self, container: Container | None) -> str:
        """Returns what differs from the order; empty if nothing does."""
        seen = as_seen(container) if container else None
        if loss := find_loss(self._portal_id, self._order.desktop_id, seen):
            return f"The build reported success, but: {loss}"
        wanted = self._order.address
        if container and container.address and container.address != wanted:
            return f"The container has the address {container.address}, not {wanted}."
        return ""

    def _look(self, vmid: int) -> Container | None:
        for delay in self._look_again:
            try:
                return self._hypervisor.container(vmid)
            except OutsideFailed:
                time.sleep(delay)
        return self._hypervisor.container(vmid)
