"""The last readings of a node's statistics daemon, as `/cluster/resources` and pools show them.

Proxmox's daemon (pvestatd) reads all containers every ten seconds. Until then a new container is
`unknown` and has no name, and a changed one is shown in its old state. Tags, lock, pool and
existence are always current.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from labnode.backend import BackendError
from labnode.errors import Failed
from labnode.guests import Guests
from labnode.options import Config
from labnode.store import Document

#: The interval of a real node in seconds.
EVERY_S = 10.0


class Statistics:
    """The rows of one node's containers; without `every_s` they are always current."""

    def __init__(self, guests: Guests, every_s: float) -> None:
        self._guests, self._every_s = guests, every_s
        self._seen: dict[int, Document] = {}

    def start(self) -> None:
        """Read all containers now and then periodically."""
        if self._every_s:
            self.collect()
            threading.Thread(target=self._run, name="statistics", daemon=True).start()

    def collect(self) -> None:
        """Read all containers once; drop rows of removed ones."""
        seen = {}
        for vmid in self._guests.vmids():
            with suppress(Failed, BackendError, OSError):  # removed meanwhile
                seen[vmid] = self._guests.resource(vmid, self._guests.config(vmid))
        self._seen = seen

    def row(self, vmid: int, config: Config) -> Document:
        """Return a container's row, without the fields that are always current."""
        if not self._every_s:
            return self._guests.resource(vmid, config)
        names = {"id": f"lxc/{vmid}", "node": self._guests.node, "type": "lxc", "vmid": vmid}
        return dict(self._seen.get(vmid) or {**names, "status": "unknown"})

    def _run(self) -> None:
        while True:
            time.sleep(self._every_s)
            self.collect()
