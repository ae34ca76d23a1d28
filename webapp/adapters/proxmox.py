"""Reads the real state from Proxmox VE (or the lab node): `ports.Hypervisor` on proxmoxer."""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import requests
from proxmoxer import ProxmoxAPI, ResourceException
from proxmoxer.core import AuthenticationError

from webapp.adapters.proxmox_api import connect
from webapp.domain.errors import OutsideFailed
from webapp.domain.provisioning.clone_queue import REFUSED, UNREACHABLE
from webapp.ports import ClusterSnapshot, Container, Listing, NodeSnapshot
from webapp.settings.proxmox import ProxmoxConfig

#: How many nodes are queried at the same time.
AT_ONCE = 8
#: Locks that an interrupted clone or create leaves behind permanently.
LEFT_BEHIND = frozenset({"disk", "create"})
MIB, GIB = 1 << 20, 1 << 30

T = TypeVar("T")


class ProxmoxHypervisor:
    """The containers of a cluster, queried through one API host. Thread-safe."""

    def __init__(self, config: ProxmoxConfig) -> None:
        self._config = config
        self._of_thread = threading.local()
        self._crew = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="proxmox")
        self._last = _Lists(Listing(), {}, {})
        """The last listing: where to look for a container first."""

    def containers(self, vmids: range) -> Listing:
        """GET /nodes, then /nodes/{node}/lxc of each; never /cluster/resources, which lags.

        Without rights, a token gets an empty list instead of an error. A token with rights always
        sees a template, so entirely empty lists are treated as missing rights.
        """
        listing = self._list(self._nodes()).listing
        ours = (one for one in listing.values() if one.vmid in vmids)
        return Listing(ours, answered=listing.answered, silent=listing.silent)

    def container(self, vmid: int) -> Container | None:
        """GET …/lxc/{vmid}/config and …/status/current, on the container's node.

        For a removed container Proxmox returns 500 `does not exist`, or 403 to a token whose rights
        come from the pool. Returns None only if the nodes' lists do not contain it either.
        """
        node = self._node_of(vmid)
        try:
            return self._read(node, vmid)
        except _Answered as answer:
            if not answer.is_about_gone:
                raise
            listed = self._list(self._nodes()).listing.get(vmid)
            if listed and listed.node != node:  # it was moved
                return self._read(listed.node, vmid)
            if listed is None and self._is_surely_gone(vmid, answer):
                return None
            raise

    def look(self) -> ClusterSnapshot:
        """GET /nodes, per node …/lxc and …/storage, and …/tasks where a template is locked."""
        rows = self._nodes()
        lists = self._list(rows)
        names = list(lists.seconds)
        storages = dict(zip(names, self._ask(self._storage, names), strict=True))
        sights = [_sight(row, lists, storages.get(row["node"])) for row in rows]
        return ClusterSnapshot(sights, lists.listing, self._in_work(lists.listing))

    # -- one node, all nodes ----------------------------------------------------------------------

    def _nodes(self) -> list[Mapping[str, Any]]:
        """GET /nodes: every member, with its resource use if the token has Sys.Audit on it."""
        rows = _list(self._get("nodes"))
        if not rows or not all(isinstance(row.get("node"), str) for row in rows):
            raise _garbage()
        return rows

    def _list(self, rows: Sequence[Mapping[str, Any]]) -> "_Lists":
        """GET /nodes/{node}/lxc of every node that is up."""
        up = [str(row["node"]) for row in rows if row.get("status") != "offline"]
        answers = dict(zip(up, self._ask(self._list_one, up), strict=True))
        failures = {
            name: answer for name, answer in answers.items() if isinstance(answer, OutsideFailed)
        }
        if len(failures) == len(up):
            raise next(iter(failures.values()), None) or OutsideFailed(
                "All nodes of the cluster are offline.", retry=True, reason=UNREACHABLE
            )
        found = [answer for answer in answers.values() if not isinstance(answer, OutsideFailed)]
        containers = {one.vmid: one for _seconds, listed in found for one in listed}
        if not containers:
            raise self._nothing_listed()
        offline = {str(row["node"]): "It is offline." for row in rows if row["node"] not in answers}
        troubles = offline | {name: str(failure) for name, failure in failures.items()}
        self._last = _Lists(
            Listing(containers.values(), answered=answers.keys() - failures, silent=troubles),
            {name: one[0] for name, one in answers.items() if not isinstance(one, OutsideFailed)},
            troubles,
        )
        return self._last

    def _nothing_listed(self) -> OutsideFailed:
        """Returns why no container is listed at all, not even a template."""
        if self._may_audit_pool():
            return OutsideFailed(
                "Proxmox lists no container at all, not even a template.",
                retry=True,
                what_to_do="Build a template (playbooks/template-build.yml), and check that it is "
                f"in the pool {self._config.pool}.",
            )
        return OutsideFailed(
            f"The token lacks VM.Audit on /pool/{self._config.pool}, so Proxmox shows it no "
            "container, not even a template.",
            retry=True,
            what_to_do="Give it and its user WinuxDesktop there: ./winux doctor has the command.",
            reason=REFUSED,
        )

    def _list_one(self, node: str) -> tuple[float, list[Container]]:
        began = time.monotonic()
        rows = _list(self._get("nodes", node, "lxc"))
        return time.monotonic() - began, [_listed(node, row) for row in rows]

    def _storage(self, node: str) -> Mapping[str, Any]:
        """GET /nodes/{node}/storage?storage={name}: sizes in bytes, `shared`, `active`."""
        rows = _list(self._get("nodes", node, "storage", storage=self._config.storage))
        return rows[0] if rows else {}

    def _in_work(self, listing: Listing) -> frozenset[int]:
        """GET /nodes/{node}/tasks?source=active, only on nodes with a locked template.

        A clone may end between the listing and this request, so the lock is read once more.
        """
        locked = [one for one in listing.values() if one.is_template and one.lock in LEFT_BEHIND]
        if not locked:
            return frozenset()
        at_work = self._tasks_on({one.node for one in locked})
        return frozenset(
            one.vmid
            for one in locked
            if one.vmid in at_work or self._read(one.node, one.vmid).lock != one.lock
        )

    def _tasks_on(self, nodes: set[str]) -> set[int]:
        """Returns the ids of running tasks; other users' tasks too, if the token has Sys.Audit."""
        found: set[int] = set()
        for node in nodes:
            rows = _list(self._get("nodes", node, "tasks", source="active"))
            found |= {int(row["id"]) for row in rows if str(row.get("id", "")).isdigit()}
        return found

    def _ask(self, call: Callable[[str], T], nodes: Sequence[str]) -> list["T | OutsideFailed"]:
        """Runs `call` for each node, concurrently if several; a failure is returned as a result."""

        def answer(node: str) -> "T | OutsideFailed":
            try:
                return call(node)
            except OutsideFailed as error:
                return error

        return [answer(nodes[0])] if len(nodes) == 1 else list(self._crew.map(answer, nodes))

    def _read(self, node: str, vmid: int) -> Container:
        config = _object(self._get("nodes", node, "lxc", vmid, "config"))
        status = _object(self._get("nodes", node, "lxc", vmid, "status", "current"))
        network = dict(parse_qsl(str(config.get("net0", "")).replace(",", "&")))
        return Container(
            vmid=vmid,
            node=node,
            name=str(config.get("hostname", "")),
            is_running=status.get("status") == "running",
            is_template=bool(config.get("template")),
            description=str(config.get("description", "")),
            lock=config.get("lock"),
            address=network.get("ip"),
            limit_mb=_number(config.get("memory")),
            cores=_number(config.get("cores")),
        )

    # -- what an answer means ---------------------------------------------------------------------

    def _node_of(self, vmid: int) -> str:
        """Returns the node to ask first: from the last listing, or from the cluster."""
        last = self._last.listing
        if vmid in last:
            return last[vmid].node
        if len(last.answered) == 1 and not last.silent:
            return next(iter(last.answered))
        return self._resources().get(vmid, self._config.node)

    def _resources(self) -> dict[int, str]:
        """GET /cluster/resources?type=vm: VM id to node, including nodes that do not respond.

        The states in it lag by seconds and are not used; the list of ids and nodes does not lag.
        """
        rows = _list(self._get("cluster", "resources", type="vm"))
        return {int(row["vmid"]): str(row["node"]) for row in rows if "vmid" in row}

    def _is_surely_gone(self, vmid: int, answer: "_Answered") -> bool:
        """Whether an unlisted container is gone: not on a silent node or hidden from the token."""
        troubles = self._last.troubles
        if troubles and (node := self._resources().get(vmid, "")) in troubles:
            raise OutsideFailed(
                f"Container {vmid} is on node {node}, which does not answer: {troubles[node]}",
                retry=True,
                reason=UNREACHABLE,
            )
        return answer.status != 403 or self._may_audit_pool()

    def _may_audit_pool(self) -> bool:
        """Whether the token could see the container if it were in the portal's pool.

        GET /access/permissions?path=/pool/{pool} → {path: {privilege: 1}}.
        """
        path = f"/pool/{self._config.pool}"
        rights = _object(self._get("access", "permissions", path=path))
        return "VM.Audit" in _object(rights.get(path, {}))

    # -- calls ------------------------------------------------------------------------------------

    def _get(self, *path: str | int, **query: str) -> Any:
        where = f"Proxmox at {self._config.where}"
        try:
            return self._api().get("/".join(map(str, path)), **query)
        except ResourceException as error:
            raise _Answered(where, error) from error
        except requests.exceptions.SSLError as error:
            raise OutsideFailed(
                f"{where} has a certificate that is not trusted{_why(error)}.",
                retry=False,
                what_to_do="Set proxmox_ca_file to the node's certificate authority "
                "(/etc/pve/pve-root-ca.pem on the node).",
            ) from error
        except requests.exceptions.Timeout as error:
            raise OutsideFailed(
                f"{where} did not answer in time.", retry=True, reason=UNREACHABLE
            ) from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise OutsideFailed(
                f"{where} cannot be reached.",
                retry=True,
                what_to_do="Check that it runs and that its address and port are right.",
                reason=UNREACHABLE,
            ) from error
        except (KeyError, TypeError, ValueError, AuthenticationError) as error:
            raise _garbage() from error

    def _api(self) -> ProxmoxAPI:
        """Returns this thread's client: proxmoxer's sessions are not thread-safe."""
        if not hasattr(self._of_thread, "api"):
            self._of_thread.api = connect(self._config)
        return self._of_thread.api


class _Answered(OutsideFailed):
    """Proxmox returned an error: 401, 403, 500, 595 …"""

    def __init__(self, where: str, error: ResourceException) -> None:
        self.status = int(error.status_code)
        text = str(error.content).strip()
        self.is_about_gone = self.status == 403 or (self.status == 500 and "does not exist" in text)
        hint = {
            401: "Check the API token: it may be wrong, expired or removed.",
            403: "Check the token's rights; the README lists what it needs.",
        }
        super().__init__(
            f"{where} answered {self.status}: {text[:300]}.",
            retry=self.status not in hint,
            what_to_do=hint.get(self.status, ""),
            reason=REFUSED if self.status in hint else UNREACHABLE if self.status >= 502 else "",
        )


@dataclass(frozen=True)
class _Lists:
    """The nodes' listings."""

    listing: Listing
    seconds: Mapping[str, float]
    """The response time of each node that responded."""
    troubles: Mapping[str, str]
    """The cause for each node that could not be listed."""


def _listed(node: str, row: Mapping[str, Any]) -> Container:
    try:
        is_running = row["status"] == "running"
        return Container(
            vmid=int(row["vmid"]),
            node=node,
            name=str(row.get("name", "")),
            is_running=is_running,
            is_template=bool(row.get("template")),
            description=None,
            lock=row.get("lock"),
            address=None,
            limit_mb=_megabytes(row.get("maxmem")),
            cores=_number(row.get("cpus")),
            memory_mb=int(row.get("mem", 0)) // MIB if is_running else None,
            uptime=timedelta(seconds=int(row.get("uptime", 0))) if is_running else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _garbage() from error


def _sight(
    row: Mapping[str, Any], lists: _Lists, storage: Mapping[str, Any] | OutsideFailed | None
) -> NodeSnapshot:
    name = str(row["node"])
    facts: Mapping[str, Any] = storage if isinstance(storage, Mapping) else {}
    # Without Sys.Audit on the node the row has no sizes.
    memory = (int(row["maxmem"]), int(row["mem"])) if "maxmem" in row and "mem" in row else None
    return NodeSnapshot(
        name=name,
        is_online=name not in lists.troubles,
        trouble=lists.troubles.get(name) or _storage_trouble(storage),
        answered=timedelta(seconds=lists.seconds[name]) if name in lists.seconds else None,
        memory_mb=memory[0] // MIB if memory else None,
        free_mb=(memory[0] - memory[1]) // MIB if memory else None,
        storage_gb=int(facts["total"]) // GIB if "total" in facts else None,
        storage_free_gb=int(facts["avail"]) // GIB if "avail" in facts else None,
        storage_is_shared=bool(facts.get("shared", 0)),
    )


def _storage_trouble(storage: Mapping[str, Any] | OutsideFailed | None) -> str | None:
    if isinstance(storage, OutsideFailed):
        return str(storage)
    if storage is not None and not storage.get("active", 0):
        return "The storage of the desktops' disks is not there or not active."
    return None


def _garbage() -> OutsideFailed:
    return OutsideFailed(
        "What answers as Proxmox does not speak its API.",
        retry=True,
        what_to_do="Check proxmox_api_host and proxmox_api_port: a proxy or another service may "
        "answer there.",
    )


def _why(error: requests.exceptions.SSLError) -> str:
    """Returns OpenSSL's reason, which requests wraps in several errors."""
    found = re.search(r"certificate verify failed: ([^(\"]+?) ?\(", str(error))
    return f" ({found[1]})" if found else ""


def _number(value: Any) -> int | None:
    return int(value) if value else None


def _megabytes(value: Any) -> int | None:
    return int(value) >> 20 if value else None


def _list(data: Any) -> list[Mapping[str, Any]]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise _garbage()
    return data


def _object(data: Any) -> Mapping[str, Any]:
    # proxmoxer turns a response that is not JSON into {"errors": its bytes}
    if not isinstance(data, dict) or isinstance(data.get("errors"), bytes):
        raise _garbage()
    return data
