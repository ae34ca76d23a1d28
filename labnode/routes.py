"""The table of endpoints: path, permission rule, parameters and handler of each."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnode.access import Access
from labnode.backend import Backend
from labnode.errors import ApiError, Forbidden
from labnode.faults import Faults
from labnode.guests import Guests
from labnode.schema import Param, required, text
from labnode.snapshots import Snapshots
from labnode.statistics import Statistics
from labnode.storages import Storages
from labnode.tasks import TaskFault, Tasks, Work

Rule = Callable[[Access, str, Mapping[str, object]], None]
NODE_NAME = required(text(format="pve-node"))


@dataclass(frozen=True)
class Node:
    """One node: the parts of this server that handlers use."""

    name: str
    access: Access
    tasks: Tasks
    storages: Storages
    guests: Guests
    snapshots: Snapshots
    statistics: Statistics
    backend: Backend
    bridge: str
    gateway: ipaddress.IPv4Interface
    fingerprint: str
    pace: float = 0.0  # the fraction of a real node's durations
    memory_mb: int = 0  # imagined; 0: the machine's own
    faults: Faults | None = None
    cluster: list[Node] = field(default_factory=list)  # all nodes, including this one

    @property
    def is_online(self) -> bool:
        """Whether the other nodes see it as online."""
        return not (self.faults and self.faults.is_down(self.name))

    @property
    def is_full(self) -> bool:
        """Whether a test sets its memory and storage as used up."""
        return bool(self.faults and self.faults.is_full(self.name))


@dataclass
class Call:
    """One authorized request: its user and its verified parameters."""

    node: Node
    user: str
    params: dict[str, Any]
    fault: TaskFault | None = None
    upload: Path | None = None
    total: int | None = None  # set by handlers of paged lists

    def check(self, path: str, *privileges: str, any_of: bool = False) -> None:
        """Refuse unless the user has these privileges."""
        self.node.access.check(self.user, path, *privileges, any_of=any_of)

    def may(self, path: str, *privileges: str, any_of: bool = False) -> bool:
        """Whether the user has these privileges."""
        return self.node.access.may(self.user, path, *privileges, any_of=any_of)

    def spawn(self, kind: str, ident: int | str, work: Work) -> str:
        """Start a task in the background and return its UPID."""
        return self.node.tasks.start(kind, ident, self.user, work, self.fault)


Handler = Callable[[Call], object]


@dataclass(frozen=True)
class Route:
    """One endpoint."""

    method: str
    path: str
    rule: Rule
    params: Mapping[str, Param]
    handler: Handler
    is_public: bool = False


@dataclass
class Routes:
    """Endpoints in the order they were declared."""

    routes: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        rule: Rule,
        params: Mapping[str, Param] | None = None,
        *,
        is_public: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the handler of a method and path.

        `{name}` in the path matches one segment, `{name:path}` the whole rest.
        """
        names = re.findall(r"\{(\w+)(?::path)?\}", path)
        known = {name: NODE_NAME if name == "node" else required(text()) for name in names}

        def register(handler: Handler) -> Handler:
            schema = {**known, **(params or {})}
            self.routes.append(Route(method, path, rule, schema, handler, is_public))
            return handler

        return register


class Table:
    """Finds the route of a request."""

    def __init__(self, routes: list[Route]) -> None:
        self.routes = routes
        self._by_pattern = [(re.compile(_pattern(route.path)), route) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the values in its path, or None."""
        for pattern, route in self._by_pattern:
            match = pattern.fullmatch(path) if route.method == method else None
            if match:
                return route, match.groupdict()
        return None


def _pattern(path: str) -> str:
    whole = re.sub(r"\{(\w+):path\}", r"(?P<\1>.+)", path)
    return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", whole)


# -- permission rules, checked before the parameters


def anyone(access: Access, user: str, params: Mapping[str, object]) -> None:
    """Allow every signed-in user."""


def perm(path: str, *privileges: str, any_of: bool = False, needs: str = "") -> Rule:
    """Require privileges on a path that may name parameters; `needs` names a required one."""

    def rule(access: Access, user: str, params: Mapping[str, object]) -> None:
        if needs and needs not in params:
            raise Forbidden
        filled = re.sub(r"\{(\w+)\}", lambda match: str(params.get(match[1], "")), path)
        access.check(user, filled, *privileges, any_of=any_of)

    return rule


def both(*rules: Rule) -> Rule:
    """Require all of these rules."""

    def rule(access: Access, user: str, params: Mapping[str, object]) -> None:
        for each in rules:
            each(access, user, params)

    return rule


def either(*rules: Rule) -> Rule:
    """Require one of these rules; the refusal does not name the one that failed."""

    def rule(access: Access, user: str, params: Mapping[str, object]) -> None:
        for each in rules:
            try:
                return each(access, user, params)
            except ApiError:
                continue
        raise Forbidden

    return rule
