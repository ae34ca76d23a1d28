"""Options and rules of Proxmox's firewall: stored and shown, and copied by a clone.

They are not enforced: the lab node isolates its containers with its own packet filter
(`network.py`).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from labnode.errors import Failed
from labnode.store import Document, Store

CLUSTER = "cluster"


class Firewall:
    """The firewall files of the cluster, the nodes and the guests, by scope."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("firewall")

    def options(self, scope: str) -> Document:
        """The options that were set."""
        return dict(self._read(scope)["options"])

    def set_options(self, scope: str, values: Document, deleted: list[str]) -> None:
        """Set some options and delete others."""
        kept = {k: v for k, v in {**self.options(scope), **values}.items() if k not in deleted}
        self._table.put(scope, {**self._read(scope), "options": kept})

    def rules(self, scope: str) -> list[Document]:
        """Return the rules in order."""
        return [dict(rule) for rule in self._read(scope)["rules"]]

    def rule(self, scope: str, position: int) -> Document:
        """Return one rule; reject a position without one."""
        rules = self.rules(scope)
        if position >= len(rules):
            raise Failed(f"no rule at position {position}")
        return rules[position]

    def set_rules(self, scope: str, rules: list[Document]) -> None:
        """Write all rules."""
        self._table.put(scope, {**self._read(scope), "rules": rules})

    def digest(self, scope: str, part: str = "") -> str:
        """Return a digest that detects changes by others; a missing file counts as an empty one."""
        file = self._read(scope)
        content: Any = file[part] if part else {k: v for k, v in file.items() if v}
        text = json.dumps(content, sort_keys=True) if content else ""
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def copy(self, vmid: int, newid: int) -> None:
        """Copy the options and rules of the source to a clone."""
        file = self._table.get(guest(vmid))
        if file:
            self._table.put(guest(newid), file)

    def forget(self, vmid: int) -> None:
        """Remove the options and rules of a removed container."""
        self._table.delete(guest(vmid))

    def is_serving(self, node: str) -> bool:
        """Whether the firewall service runs on the node; only tests stop it."""
        return not (self._table.get(f"service/{node}") or {}).get("stopped")

    def _read(self, scope: str) -> Document:
        return self._table.get(scope) or {"options": {}, "rules": []}


def guest(vmid: int) -> str:
    """Return the scope of a container."""
    return f"guest/{vmid}"


def node(name: str) -> str:
    """Return the scope of a node."""
    return f"node/{name}"
