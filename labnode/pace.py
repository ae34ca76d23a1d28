"""The times of a real Proxmox VE, for a node on which everything is done in milliseconds.

With `--pace 1` tasks last, and so hold their locks, as long as on a real node; `--pace 0.1` is a
tenth of that. Lists of the cluster then follow as late as there (`labnode.statistics`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labnode.backend import Backend, ContainerConfig, Interface, Usage

#: Seconds, measured on Proxmox VE 9.1 with Btrfs on two cores.
CREATE_S, LINKED_CLONE_S, FULL_CLONE_S, TEMPLATE_S = 2.7, 1.0, 13.0, 0.5
START_S, STOP_S, SHUTDOWN_S, DESTROY_S = 2.3, 2.0, 2.0, 1.0
#: From the start's end until the list of interfaces has the address.
ADDRESS_S = 0.5
#: Between a request and its answer.
ANSWER_S = 0.1


class PacedBackend:
    """A backend whose steps take at least as long as on a real node, times `pace`."""

    def __init__(self, backend: Backend, pace: float) -> None:
        self._backend = backend
        self._pace = pace
        self._started: dict[int, float] = {}

    @contextmanager
    def _lasting(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds * self._pace
        yield
        time.sleep(max(0.0, end - time.monotonic()))

    def prepare(self) -> None:
        self._backend.prepare()

    def create(self, vmid: int, archive: Path, config: ContainerConfig) -> None:
        with self._lasting(CREATE_S):
            self._backend.create(vmid, archive, config)

    def clone(self, source: int, vmid: int, *, full: bool) -> None:
        with self._lasting(FULL_CLONE_S if full else LINKED_CLONE_S):
            self._backend.clone(source, vmid, full=full)

    def make_template(self, vmid: int) -> None:
        with self._lasting(TEMPLATE_S):
            self._backend.make_template(vmid)

    def start(self, vmid: int, config: ContainerConfig) -> None:
        with self._lasting(START_S):
            self._backend.start(vmid, config)
        self._started[vmid] = time.monotonic()

    def stop(self, vmid: int) -> None:
        with self._lasting(STOP_S):
            self._backend.stop(vmid)

    def shutdown(self, vmid: int, timeout: float) -> bool:
        with self._lasting(min(SHUTDOWN_S, timeout)):
            return self._backend.shutdown(vmid, timeout)

    def destroy(self, vmid: int) -> None:
        with self._lasting(DESTROY_S):
            self._backend.destroy(vmid)
        self._started.pop(vmid, None)

    def is_running(self, vmid: int) -> bool:
        return self._backend.is_running(vmid)

    def usage(self, vmid: int) -> Usage:
        return self._backend.usage(vmid)

    def interfaces(self, vmid: int) -> list[Interface]:
        found = self._backend.interfaces(vmid)
        has_address = time.monotonic() >= self._started.get(vmid, 0.0) + ADDRESS_S * self._pace
        return found if has_address else [Interface(i.name, i.hwaddr) for i in found]

    def existing(self) -> set[int]:
        return self._backend.existing()
