"""Fakes of external parts at the ports, named after their faults."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from webapp.domain.desktops.estimate import ASSIGN_STEPS, BUILD_STEPS, PAUSE_STEPS, RESUME_STEPS
from webapp.domain.errors import OutsideFailed
from webapp.domain.nodes.mark import Mark
from webapp.domain.provisioning.clone_queue import INTERRUPTED
from webapp.ports import (
    AdoptOrder,
    AssignOrder,
    BuildOrder,
    BuildResult,
    ClusterSnapshot,
    Container,
    Listing,
    NodeSnapshot,
    ResumeOrder,
)

STEPS = list(BUILD_STEPS)
#: Moments at which a worker can die during a build: before, in and after each step.
MOMENTS_OF_A_BUILD = ["before", *STEPS, "after"]


class Killed(BaseException):
    """The worker process ended as by kill -9: not caught, no cleanup."""


class FakeNode:
    """A node that reports the truth (`ports.Hypervisor`)."""

    def __init__(self) -> None:
        self.there: dict[int, Container] = {}
        self.template = Container(29001, "lab", "xfce", False, True, "", None, None)

    def put(self, vmid: int, mark: Mark | None, **changes: object) -> None:
        container = Container(
            vmid=vmid,
            node="lab",
            name=mark.desktop_id if mark else f"foreign-{vmid}",
            is_running=True,
            is_template=False,
            description=str(mark) if mark else "",
            lock=None,
            address=None,
        )
        self.there[vmid] = replace(container, **changes)

    def change(self, vmid: int, **changes: object) -> None:
        self.there[vmid] = replace(self.there[vmid], **changes)

    def containers(self, vmids: range) -> Listing:
        listed = (
            replace(container, description=None, address=None)
            for vmid, container in self.there.items()
            if vmid in vmids
        )
        return Listing(listed, answered={"lab"})

    def container(self, vmid: int) -> Container | None:
        return self.there.get(vmid)

    def look(self) -> ClusterSnapshot:
        listing = Listing([self.template, *self.there.values()], answered={"lab"})
        return ClusterSnapshot([NodeSnapshot("lab", is_online=True)], listing, frozenset())


class DownHypervisor(FakeNode):
    """A node whose API does not respond while `is_down`."""

    is_down = True

    def containers(self, vmids: range) -> Listing:
        self._refuse()
        return super().containers(vmids)

    def container(self, vmid: int) -> Container | None:
        self._refuse()
        return super().container(vmid)

    def look(self) -> ClusterSnapshot:
        self._refuse()
        return super().look()

    def _refuse(self) -> None:
        if self.is_down:
            raise OutsideFailed("Proxmox at 127.0.0.1:1 cannot be reached.", retry=True)


class LyingHypervisor(FakeNode):
    """A node whose list is empty although its containers run."""

    def containers(self, vmids: range) -> Listing:
        return Listing(answered={"lab"})


class FakeProvisioner:
    """Does on a FakeNode what the playbooks do on a real one."""

    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self.orders: list[BuildOrder] = []
        self.assigned: list[AssignOrder] = []
        self.adopted: list[AdoptOrder] = []
        self.resumed: list[ResumeOrder] = []
        self.destroyed: list[int] = []
        self.removed_templates: list[tuple[int, str]] = []
        self.told: list[tuple[str, str, datetime]] = []
        self.warned: list[tuple[str, str, str]] = []

    def create(
        self, order: BuildOrder, *, on_step: Callable[[str], None], is_cancelled: Callable[[], bool]
    ) -> BuildResult:
        self.orders.append(order)
        self.at("before", order, is_cancelled)
        for step in STEPS:
            on_step(step)
            if step == "desktop_clone":
                self._clone(order)
            self.at(step, order, is_cancelled)
        self.node.change(order.vmid, is_running=True)
        self.at("after", order, is_cancelled)
        return BuildResult(order.node, order.address, "SHA256:host", "cert", "PEM")

    def _clone(self, order: BuildOrder) -> None:
        mark = Mark("tests", order.desktop_id)
        there = self.node.there.get(order.vmid)
        if there and there.description != str(mark):
            raise OutsideFailed(f"CT {order.vmid} belongs to something else.", retry=False)
        self.node.put(order.vmid, mark, node=order.node, is_running=False, address=order.address)

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        """A moment of the build; faulty subclasses override it."""

    def assign(
        self,
        order: AssignOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> BuildResult:
        self.assigned.append(order)
        for step in ASSIGN_STEPS:
            on_step(step)
            self.at_assign(step, is_cancelled)
        address = self.node.there[order.vmid].address or ""
        return BuildResult("lab", address, order.ssh_host_key_sha256, "cert", "PEM")

    def at_assign(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        """A step of assigning; faulty subclasses override it."""

    def adopt(self, order: AdoptOrder, *, is_cancelled: Callable[[], bool]) -> BuildResult:
        self.adopted.append(order)
        self.at_adopt("before")
        self.node.change(
            order.vmid, description=str(Mark("tests", order.desktop_id)), name=order.desktop_id
        )
        self.at_adopt("after")
        address = self.node.there[order.vmid].address or ""
        return BuildResult("lab", address.partition("/")[0], "SHA256:host", "cert", "PEM")

    def at_adopt(self, moment: str) -> None:
        """Called before and after the new mark is written; faulty subclasses override it."""

    def pause(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        for step in PAUSE_STEPS:
            on_step(step)
            self.at_pause("before", is_cancelled)
        self.node.change(vmid, is_running=False)
        self.at_pause("after", is_cancelled)

    def at_pause(self, moment: str, is_cancelled: Callable[[], bool]) -> None:
        """Called before and after the shutdown; faulty subclasses override it."""

    def resume(
        self,
        order: ResumeOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.resumed.append(order)
        for step in RESUME_STEPS:
            on_step(step)
            if step == "desktop_start":
                self.node.change(order.vmid, is_running=True)
            self.at_resume(step, is_cancelled)

    def at_resume(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        """A step of resuming; faulty subclasses override it."""

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        there = self.node.there.get(vmid)
        if there and there.description == str(Mark("tests", desktop_id)):
            del self.node.there[vmid]
        self.destroyed.append(vmid)

    def remove_template(
        self,
        vmid: int,
        version: str,
        *,
        node: str,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.removed_templates.append((vmid, version))
        self.at_remove_template()

    def at_remove_template(self) -> None:
        """Called before a template is removed; faulty subclasses override it."""

    def set_deadline(self, address: str, ssh_host_key_sha256: str, deadline_at: datetime) -> None:
        self.told.append((address, ssh_host_key_sha256, deadline_at))

    def warn(self, address: str, ssh_host_key_sha256: str, text: str) -> None:
        self.warned.append((address, ssh_host_key_sha256, text))

    def since_input(self, address: str, ssh_host_key_sha256: str) -> timedelta | None:
        """No person is signed in."""
        return None

    def warm_up(self, runs: int) -> None:
        pass

    def cool_down(self) -> None:
        pass

    def sweep(self) -> None:
        pass

    def close(self) -> None:
        pass


class HonestProvisioner(FakeProvisioner):
    """Fails, as the playbook does, if another container has the VM id."""

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        there = self.node.there.get(vmid)
        if there and there.description != str(Mark("tests", desktop_id)):
            raise OutsideFailed(f"container id {vmid} is taken by something else", retry=True)
        super().destroy(desktop_id, vmid)


class FailingProvisioner(FakeProvisioner):
    """Fails during a step and leaves a partial container."""

    def __init__(self, node: FakeNode, moment: str, reason: str = "") -> None:
        super().__init__(node)
        self.moment = moment
        self.reason = reason

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment == self.moment:
            lines = "line 1\nline 2"
            raise OutsideFailed("The storage is full.", retry=True, log=lines, reason=self.reason)


class InterruptedProvisioner(FakeProvisioner):
    """The first runs of any kind are killed while they run."""

    def __init__(self, node: FakeNode, times: int, moment: str = STEPS[1]) -> None:
        super().__init__(node)
        self.moment = moment
        self.times = times

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment == self.moment:
            self._be_killed()

    def at_assign(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        self._be_killed()

    def _be_killed(self) -> None:
        if self.times:
            self.times -= 1
            raise OutsideFailed("The Ansible run was killed.", retry=True, reason=INTERRUPTED)


class DyingProvisioner(FailingProvisioner):
    """Ends the worker at one moment, once."""

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment == self.moment:
            self.moment = ""
            raise Killed


class SlowProvisioner(FakeProvisioner):
    """Hangs in one step, the first time, until it is cancelled or released."""

    def __init__(self, node: FakeNode, moment: str = STEPS[0]) -> None:
        super().__init__(node)
        self.moment = moment
        self.is_hanging = threading.Event()
        self.go_on = threading.Event()

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment != self.moment:
            return
        self.is_hanging.set()
        while not self.go_on.wait(0.02):
            if is_cancelled():
                raise OutsideFailed("It was cancelled.", retry=True)


class FailingAssigner(FakeProvisioner):
    """Fails, or ends its worker, in a step of assigning; once."""

    def __init__(self, node: FakeNode, step: str, trouble: BaseException) -> None:
        super().__init__(node)
        self.step = step
        self.trouble = trouble

    def at_assign(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        if step == self.step:
            self.step = ""
            raise self.trouble


class SlowAssigner(FakeProvisioner):
    """Hangs while it assigns until it is cancelled."""

    def __init__(self, node: FakeNode) -> None:
        super().__init__(node)
        self.is_hanging = threading.Event()

    def at_assign(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        self.is_hanging.set()
        while not is_cancelled():
            time.sleep(0.02)
        raise OutsideFailed("It was cancelled.", retry=True)


class FailingPauser(FakeProvisioner):
    """Fails, or ends its worker, before or after the shutdown; a number of times."""

    def __init__(self, node: FakeNode, moment: str, trouble: BaseException, times: int = 1) -> None:
        super().__init__(node)
        self.moment = moment
        self.trouble = trouble
        self.times = times

    def at_pause(self, moment: str, is_cancelled: Callable[[], bool]) -> None:
        if moment == self.moment and self.times:
            self.times -= 1
            raise self.trouble


class FailingResumer(FakeProvisioner):
    """Fails, or ends its worker, in a step of resuming; a number of times."""

    def __init__(self, node: FakeNode, step: str, trouble: BaseException, times: int = 1) -> None:
        super().__init__(node)
        self.step = step
        self.trouble = trouble
        self.times = times

    def at_resume(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        if step == self.step and self.times:
            self.times -= 1
            raise self.trouble


class SlowPauser(FakeProvisioner):
    """Hangs while it pauses or resumes until it is cancelled."""

    def __init__(self, node: FakeNode) -> None:
        super().__init__(node)
        self.is_hanging = threading.Event()

    def at_pause(self, moment: str, is_cancelled: Callable[[], bool]) -> None:
        self._hang(is_cancelled)

    def at_resume(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        self._hang(is_cancelled)

    def _hang(self, is_cancelled: Callable[[], bool]) -> None:
        self.is_hanging.set()
        while not is_cancelled():
            time.sleep(0.02)
        raise OutsideFailed("It was cancelled.", retry=True)


class BoastfulPauser(FakeProvisioner):
    """Reports a shutdown or start without doing it."""

    def at_pause(self, moment: str, is_cancelled: Callable[[], bool]) -> None:
        if moment == "after":
            for vmid in self.node.there:
                self.node.change(vmid, is_running=True)

    def at_resume(self, step: str, is_cancelled: Callable[[], bool]) -> None:
        for vmid in self.node.there:
            self.node.change(vmid, is_running=False)


class BoastfulProvisioner(FakeProvisioner):
    """Reports success although no container runs."""

    def at(self, moment: str, order: BuildOrder, is_cancelled: Callable[[], bool]) -> None:
        if moment == "after":
            del self.node.there[order.vmid]


class StubbornProvisioner(FakeProvisioner):
    """Fails to destroy, or falsely reports success, the first few times."""

    def __init__(self, node: FakeNode, times: int, *, is_honest: bool) -> None:
        super().__init__(node)
        self.times = times
        self.is_honest = is_honest

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        if self.times == 0:
            super().destroy(desktop_id, vmid)
            return
        self.times -= 1
        if self.is_honest:
            raise OutsideFailed("CT is locked (disk)", retry=True)
