"""Simulates the timing of a real Proxmox VE on a node that needs only milliseconds.

With `--pace 1` tasks run, and hold their locks, as long as on a real node; `--pace 0.1` takes a
tenth of that. Lists of the cluster are then updated with the same delay (`labnode.statistics`), and
a container's address is missing for a moment after the start: on a real node the guest sets it
during boot, and until then no host answers for that address.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labnode.backend import Backend, BackendError, ContainerConfig, Interface, Net, Usage

#: Seconds, measured on Proxmox VE 9.1 with Btrfs on two cores, from the response to the
#: task's end. A linked clone takes 0.7 to 0.9 with its request, a start 2.0 to 2.7.
CREATE_S, LINKED_CLONE_S, FULL_CLONE_S, TEMPLATE_S = 2.7, 0.5, 13.0, 0.5
START_S, STOP_S, SHUTDOWN_S, DESTROY_S = 2.7, 2.0, 2.0, 1.0
#: Seconds from the start of the container's init to the end of the task: Proxmox's own work.
INIT_S = 0.3
#: Seconds from the end of the start task until the guest has set its address. XRDP answers up to
#: 1.3 s after the task's end.
ADDRESS_S = 0.8
#: Seconds between request and response: the minimum that was recorded, as that machine was busy.
READ_S, WRITE_S = 0.1, 0.12
#: The same for requests that do part of the work before they respond.
CLONE_ANSWER_S, CONFIG_ANSWER_S = 0.32, 0.33


def answer_s(method: str, path: str) -> float:
    """Return the response time of a real node in seconds."""
    match method, path.rpartition("/")[2]:
        case "GET", _:
            return READ_S
        case "POST", "clone":
            return CLONE_ANSWER_S
        case "PUT", "config":
            return CONFIG_ANSWER_S
    return WRITE_S


class PacedBackend:
    """A backend whose steps take at least as long as on a real node, times `pace`."""

    def __init__(self, backend: Backend, pace: float) -> None:
        self._backend = backend
        self._pace = pace

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
        time.sleep((START_S - INIT_S) * self._pace)
        with self._lasting(INIT_S):
            self._backend.start(vmid, config)
            if config.net0:
                self._backend.take_address(vmid, config.net0)
        if config.net0:
            given = threading.Timer(ADDRESS_S * self._pace, self._give_address, [vmid, config.net0])
            given.daemon = True
            given.start()

    def _give_address(self, vmid: int, net: Net) -> None:
        with suppress(BackendError):  # stopped meanwhile
            self._backend.give_address(vmid, net)

    def take_address(self, vmid: int, net: Net) -> None:
        self._backend.take_address(vmid, net)

    def give_address(self, vmid: int, net: Net) -> None:
        self._backend.give_address(vmid, net)

    def stop(self, vmid: int) -> None:
        with self._lasting(STOP_S):
            self._backend.stop(vmid)

    def shutdown(self, vmid: int, timeout: float) -> bool:
        with self._lasting(min(SHUTDOWN_S, timeout)):
            return self._backend.shutdown(vmid, timeout)

    def destroy(self, vmid: int) -> None:
        with self._lasting(DESTROY_S):
            self._backend.destroy(vmid)

    def is_running(self, vmid: int) -> bool:
        return self._backend.is_running(vmid)

    def usage(self, vmid: int) -> Usage:
        return self._backend.usage(vmid)

    def interfaces(self, vmid: int) -> list[Interface]:
        return self._backend.interfaces(vmid)

    def existing(self) -> set[int]:
        return self._backend.existing()
