"""Snapshots: the configuration at one time, and a full copy of the container's files.

To the backend a copy is another container, with a number above all valid vmids.
"""

from __future__ import annotations

import time

from labnode.backend import Backend
from labnode.errors import Failed
from labnode.guests import Guests
from labnode.options import Config
from labnode.store import Document, Store

FIRST_COPY = 10**9  # Proxmox's own vmids are lower


class Snapshots:
    """The snapshots of all containers."""

    def __init__(self, store: Store, backend: Backend, guests: Guests) -> None:
        self._table = store.table(f"snapshot@{guests.node}" if guests.is_further else "snapshot")
        self._backend, self._guests = backend, guests

    def all(self, vmid: int) -> dict[str, Document]:
        """Return snapshots by name: `config`, `snaptime`, `description`, `parent` and `copy`."""
        return dict((self._table.get(vmid) or {"snapshots": {}})["snapshots"])

    def parent(self, vmid: int) -> str:
        """Return the snapshot that the current state is based on, if any."""
        return str((self._table.get(vmid) or {}).get("parent", ""))

    def get(self, vmid: int, name: str) -> Document:
        """Return one snapshot; raise Failed if it does not exist."""
        self._guests.config(vmid)
        try:
            return self.all(vmid)[name]
        except KeyError:
            raise Failed(f"snapshot '{name}' does not exist") from None

    def copies(self) -> set[int]:
        """Return the numbers under which the backend keeps copies."""
        found = (entry["snapshots"].values() for _, entry in self._table.items())
        return {snapshot["copy"] for snapshots in found for snapshot in snapshots}

    def create(self, vmid: int, name: str, description: str, *, can_copy: bool) -> None:
        """Copy the container as it is now."""
        self._guests.check_lock(vmid)
        if name in self.all(vmid):
            raise Failed(f"snapshot name '{name}' already used")
        if not can_copy:
            raise Failed("snapshot feature is not available")
        config = self._guests.lock(vmid, "snapshot")
        try:
            copy = self._free_number(vmid)
            self._backend.clone(vmid, copy, full=True)
            facts = {"description": description, "snaptime": int(time.time()), "copy": copy}
            snapshot = {**facts, "config": config, "parent": self.parent(vmid)}
            self._save(vmid, {**self.all(vmid), name: snapshot}, name)
        finally:
            self._guests.unlock(vmid)

    def describe(self, vmid: int, name: str, description: str) -> None:
        """Change a snapshot's description."""
        self._guests.check_lock(vmid)
        changed = {**self.get(vmid, name), "description": description}
        self._save(vmid, {**self.all(vmid), name: changed}, self.parent(vmid))

    def rollback(self, vmid: int, name: str) -> None:
        """Restore the container from a snapshot; kill it if it runs."""
        snapshot = self.get(vmid, name)
        self._guests.lock(vmid, "rollback")
        try:
            if self._guests.is_running(vmid):
                self._backend.stop(vmid)
            self._backend.destroy(vmid)
            self._backend.clone(snapshot["copy"], vmid, full=True)
            self._guests.replace(vmid, {**snapshot["config"], "lock": "rollback"})
            self._save(vmid, self.all(vmid), name)
        finally:
            self._guests.unlock(vmid)

    def delete(self, vmid: int, name: str) -> None:
        """Delete one snapshot; its children get its parent."""
        gone = self.get(vmid, name)
        self._guests.lock(vmid, "snapshot-delete")
        try:
            self._remove(vmid, name, gone)
        finally:
            self._guests.unlock(vmid)

    def _remove(self, vmid: int, name: str, gone: Document) -> None:
        rest = {
            key: {**each, "parent": gone["parent"] if each["parent"] == name else each["parent"]}
            for key, each in self.all(vmid).items()
            if key != name
        }
        here = self.parent(vmid)
        self._save(vmid, rest, gone["parent"] if here == name else here)
        self._backend.destroy(gone["copy"])

    def forget(self, vmid: int) -> None:
        """Remove all snapshots of a container that is being destroyed."""
        for snapshot in self.all(vmid).values():
            self._backend.destroy(snapshot["copy"])
        self._table.delete(vmid)

    def config(self, vmid: int, name: str) -> Config:
        """Return the configuration in a snapshot, with the snapshot's description."""
        snapshot = self.get(vmid, name)
        own = {key: value for key, value in snapshot["config"].items() if key != "description"}
        about = {"description": snapshot["description"]} if snapshot["description"] else {}
        return {**own, **about}

    def _save(self, vmid: int, snapshots: dict[str, Document], parent: str) -> None:
        self._table.put(vmid, {"snapshots": snapshots, "parent": parent})

    def _free_number(self, vmid: int) -> int:
        taken = self.copies()
        return next(n for n in range(FIRST_COPY + vmid, 10**15, FIRST_COPY) if n not in taken)
