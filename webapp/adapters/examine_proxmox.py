"""Examines what the portal needs of Proxmox VE, with its own token and harmless requests only."""

import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

from webapp.adapters.examine import examined
from webapp.adapters.proxmox import ProxmoxHypervisor
from webapp.adapters.proxmox_api import trusting
from webapp.domain.errors import OutsideFailed
from webapp.domain.upkeep import health, rights
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.ports import WantedTemplate
from webapp.settings.proxmox import ProxmoxConfig

T = TypeVar("T")

CALL_SECONDS = 8
#: The text in a published template's description; `template-build.yml` writes it.
PUBLISHED = "winux-template: name="
#: The repository id in the lab node's version.
LAB = "winuxlab"
EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
WRONG_NAME = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH


class ProxmoxExaminer(ProxmoxHypervisor):
    """Examines the API, the token's rights, storage, templates, bridge and kernel limits."""

    def __init__(
        self, config: ProxmoxConfig, templates: Callable[[], Sequence[WantedTemplate]]
    ) -> None:
        super().__init__(config)
        self._templates = templates

    def examine(self) -> Iterator[CheckResult]:
        """Yields all parts in order; without an API response the later ones are unknown."""
        yield from self._examine_tls()
        parts = {
            "Proxmox VE": self._examine_api,
            "nodes": self._examine_nodes,
            "token rights": self._examine_rights,
            "storage": self._examine_storage,
            "template": self._examine_templates,
            "bridge": self._examine_bridge,
            "kernel limits": self._examine_limits,
        }
        has_answered = True
        for part, look in parts.items():
            if not has_answered:
                yield CheckResult(part, Health.UNKNOWN, "Proxmox does not answer.")
            elif part == "Proxmox VE":
                sign = self._first_answer(look)
                has_answered = sign.health is not Health.BAD
                yield sign
            else:
                yield from examined(part, look)

    def _first_answer(self, look: Callable[[], Iterator[CheckResult]]) -> CheckResult:
        """Reports an API that does not respond correctly as broken, not as unknown."""
        try:
            return next(look())
        except OutsideFailed as error:
            return CheckResult("Proxmox VE", Health.BAD, error.message, error.what_to_do)
        except (LookupError, TypeError, ValueError):
            text = "What answers as Proxmox does not speak its API."
            return CheckResult("Proxmox VE", Health.BAD, text, "Check proxmox_api_host and _port.")

    # -- parts ------------------------------------------------------------------------------------

    def _examine_tls(self) -> Iterator[CheckResult]:
        """Examines the certificate and the clock, over one connection without the token."""
        proxmox = self._config
        try:
            context = trusting(proxmox.ca_file)
        except OutsideFailed as error:
            yield CheckResult("certificate", Health.BAD, error.message, error.what_to_do)
            return
        connection = http.client.HTTPSConnection(
            proxmox.host, proxmox.port, timeout=CALL_SECONDS, context=context
        )
        try:
            connection.request("GET", "/api2/json/version")
            ends = dict(connection.sock.getpeercert() or {}).get("notAfter")
            date = connection.getresponse().headers["Date"]
        except ssl.SSLCertVerificationError as error:
            yield _untrusted(proxmox, error)
            return
        except (OSError, http.client.HTTPException) as error:
            yield CheckResult("certificate", Health.UNKNOWN, f"No TLS connection: {error}.")
            return
        finally:
            connection.close()
        now = datetime.now(UTC)
        ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)
        yield health.judge_certificate(ends_at, now)
        if date:
            yield health.judge_clock(parsedate_to_datetime(date), now)

    def _examine_api(self) -> Iterator[CheckResult]:
        """GET /version, with the token."""
        yield health.judge_version(str(self._object("version")["version"]))

    def _examine_rights(self) -> Iterator[CheckResult]:
        """GET /access/permissions?path=…: the token's privileges there, each checked separately."""
        proxmox = self._config
        for place in rights.places(proxmox.pool, proxmox.storage, proxmox.bridge):
            part = f"rights on the {place.title}"
            yield from examined(part, partial(self._rights_on, part, place))

    def _rights_on(self, part: str, place: rights.Place) -> Iterator[CheckResult]:
        proxmox = self._config
        answer = self._object("access", "permissions", path=place.path)
        missing = place.missing(dict(answer.get(place.path, {})))
        if missing:
            words = ", ".join(f"{name} ({what_for})" for name, what_for in missing.items())
            cure = place.cure(proxmox.user, proxmox.token_id)
            how_bad = Health.BAD if place.is_needed else Health.WARN
            yield CheckResult(
                part, how_bad, f"The token lacks on {place.path}: {words}."[:500], cure
            )
        else:
            yield CheckResult(part, Health.GOOD, f"All that are needed on {place.path}.")

    def _examine_nodes(self) -> Iterator[CheckResult]:
        """GET /nodes: all members; an offline one is a warning, because the others keep working."""
        down = [str(row["node"]) for row in self._nodes() if row.get("status") == "offline"]
        up = self._up()
        if self._config.node not in {*up, *down}:
            yield CheckResult(
                "nodes",
                Health.BAD,
                f"The cluster has no node {self._config.node}; it has {', '.join(up)}.",
                "Set proxmox_node to one of them.",
            )
        elif down:
            yield CheckResult(
                "nodes",
                Health.WARN,
                f"Down: {', '.join(down)}. What is on it is unknown and left alone.",
                "Look at the node: systemctl status pve-cluster corosync pveproxy",
            )
        else:
            yield CheckResult("nodes", Health.GOOD, f"All answer: {', '.join(up)}.")

    def _up(self) -> list[str]:
        return [str(row["node"]) for row in self._nodes() if row.get("status") != "offline"]

    def _on_each_node(self, part: str, look: Callable[[str], CheckResult]) -> Iterator[CheckResult]:
        """Yields one sign for each node; a failure is a warning except on the configured node."""
        nodes = self._up()
        for node in nodes:
            named = f"{part} on {node}"[:40] if len(nodes) > 1 else part
            sign = replace(next(examined(part, partial(_only, look, node))), part=named)
            if node != self._config.node and sign.health is Health.BAD:
                sign = replace(sign, health=Health.WARN)
            yield sign

    def _examine_storage(self) -> Iterator[CheckResult]:
        """GET /nodes/{node}/storage: type, content, whether it is active, free bytes."""
        yield from self._on_each_node("storage", self._storage_of)

    def _storage_of(self, node: str) -> CheckResult:
        name = self._config.storage
        rows = self._rows("nodes", node, "storage")
        row = next((row for row in rows if row.get("storage") == name), None)
        if row is None:
            return CheckResult(
                "storage",
                Health.BAD,
                f"The node {node} has no storage {name}, or the token may not see it.",
                "Set proxmox_storage to one that `pvesm status` lists on the node.",
            )
        return health.judge_storage(
            name,
            str(row["type"]),
            is_active=bool(row["active"]) and bool(row.get("enabled", 1)),
            content=str(row["content"]),
            free=int(row["avail"]),
        )

    def _examine_templates(self) -> Iterator[CheckResult]:
        """Checks that each launchable template exists, is a template, published and not locked."""
        templates = self._templates()
        if not templates:
            yield CheckResult(
                "template",
                Health.BAD,
                "No template can be launched.",
                "Build one (playbooks/template-build.yml), then: ./winux template publish",
            )
        for template in templates:
            part = f"template {template.name}"[:40]
            yield from examined(part, partial(_only, self._examine_template, template))

    def _examine_template(self, template: WantedTemplate) -> CheckResult:
        part, name = f"template {template.name}"[:40], f"The container {template.vmid}"
        again = (
            f"Build it again with playbooks/template-build.yml, then: ./winux template publish "
            f"--name {template.name} --vmid … --version …"
        )
        container = self.container(template.vmid)
        if container is None:
            return CheckResult(part, Health.BAD, f"{name} does not exist.", again)
        if not container.is_template:
            return CheckResult(part, Health.BAD, f"{name} is not a template.", again)
        if container.lock and not self._is_in_work(container.node, template.vmid):
            return CheckResult(
                part,
                Health.BAD,
                f"{name} is locked ({container.lock}) and no task works on it, so nothing can be "
                "cloned from it: an interrupted task left the lock.",
                f"As root on the node {container.node}: pct unlock {template.vmid}",
            )
        if PUBLISHED not in (container.description or ""):
            return CheckResult(
                part, Health.WARN, f"{name} was not tried by template-build.yml: no mark.", again
            )
        return CheckResult(part, Health.GOOD, f"{name} is there, version {template.version}.")

    def _is_in_work(self, node: str, vmid: int) -> bool:
        """GET …/tasks?source=active: the task of a clone carries the id of its source."""
        tasks = self._rows("nodes", node, "tasks", source="active")
        return any(str(task.get("id")) == str(vmid) for task in tasks)

    def _examine_bridge(self) -> Iterator[CheckResult]:
        """GET /nodes/{node}/network?type=any_bridge."""
        yield from self._on_each_node("bridge", self._bridge_of)

    def _bridge_of(self, node: str) -> CheckResult:
        name = self._config.bridge
        rows = self._rows("nodes", node, "network", type="any_bridge")
        if any(row.get("iface") == name for row in rows):
            return CheckResult("bridge", Health.GOOD, f"{name} is on {node}.")
        return CheckResult(
            "bridge",
            Health.BAD,
            f"The node {node} has no bridge {name}, or the token may not see it.",
            f"Make it under {node} → Network, or set proxmox_bridge to one that is there.",
        )

    def _examine_limits(self) -> Iterator[CheckResult]:
        """Yields the nodes' kernel limits; none for a lab node, whose containers have their own."""
        if self._object("version").get("repoid") != LAB:
            yield health.judge_limits(self._up())

    def _object(self, *path: str | int, **query: str) -> Mapping[str, Any]:
        answer = self._get(*path, **query)
        if not isinstance(answer, dict) or isinstance(answer.get("errors"), bytes):
            raise TypeError("an object was asked for")
        return answer

    def _rows(self, *path: str | int, **query: str) -> list[Mapping[str, Any]]:
        answer = self._get(*path, **query)
        if not isinstance(answer, list):
            raise TypeError("a list was asked for")
        return answer


def _only(look: Callable[[T], CheckResult], thing: T) -> Iterator[CheckResult]:
    """Yields one sign, in the form that `examined` takes."""
    yield look(thing)


def _untrusted(proxmox: ProxmoxConfig, error: ssl.SSLCertVerificationError) -> CheckResult:
    """Returns why the API's certificate is rejected."""
    if error.verify_code == EXPIRED:
        text, cure = (
            "The API's certificate has expired.",
            "Renew it on the node: pvecm updatecerts --force; then: systemctl restart pveproxy",
        )
    elif error.verify_code in WRONG_NAME:
        text, cure = (
            f"The API's certificate is not for {proxmox.host}.",
            "Set proxmox_api_host to a name in the certificate, or renew it for this one.",
        )
    else:
        text, cure = (
            f"The API's certificate is not trusted: {error.verify_message}.",
            (
                "Set proxmox_ca_file to the node's own authority: /etc/pve/pve-root-ca.pem. "
                "Variables such as SSL_CERT_FILE do not count: the playbooks run without them."
            ),
        )
    return CheckResult("certificate", Health.BAD, text, cure)
