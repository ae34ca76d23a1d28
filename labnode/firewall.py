"""Options and rules of Proxmox's firewall: stored and shown, and copied by a clone.

What keeps the containers of a lab node from each other is its own packet filter (`network.py`),
whatever these say.
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
        """The rules, first one first."""
        return [dict(rule) for rule in self._read(scope)["rules"]]

    def rule(self, scope: str, position: int) -> Document:
        """One rule; refuses a position that has none."""
        rules = self.rules(scope)
        if position >= len(rules):
            raise Failed(f"no rule at position {position}")
        return rules[position]

    def set_rules(self, scope: str, rules: list[Document]) -> None:
        """Write all rules."""
        self._table.put(scope, {**self._read(scope), "rules": rules})

    def digest(self, scope: str, part: str = "") -> str:
        """Tells that somebody else changed the options or rules; of no file, that of nothing."""
        file = self._read(scope)
        content: Any = file[part] if part else {k: v for k, v in file.items() if v}
        text = json.dumps(content, sort_keys=True) if content else ""
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def copy(self, vmid: int, newid: int) -> None:
        """Give a clone what its source has."""
        file = self._table.get(guest(vmid))
        if file:
            self._table.put(guest(newid), file)

    def forget(self, vmid: int) -> None:
        """Remove what belongs to a container that is gone."""
        self._table.delete(guest(vmid))

    def is_serving(self, node: str) -> bool:
        """Whether the firewall's service runs on the node; there only to be stopped by tests."""
        return not (self._table.get(f"service/{node}") or {}).get("stopped")

    def _read(self, scope: str) -> Document:
        return self._table.get(scope) or {"options": {}, "rules": []}


def guest(vmid: int) -> str:
    """The scope of a container."""
    return f"guest/{vmid}"


def node(name: str) -> str:
    """The scope of a node."""
    return f"node/{name}"
