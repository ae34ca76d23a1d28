"""Examines whether Proxmox's firewall isolates desktops: each of its four switches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from webapp.adapters.examine import examined
from webapp.adapters.proxmox import ProxmoxHypervisor
from webapp.domain.errors import OutsideFailed
from webapp.domain.upkeep import firewall
from webapp.domain.upkeep.firewall import GuestFirewall
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.ports import Neighbour, WantedTemplate
from webapp.settings.proxmox import ProxmoxConfig

#: The maximum number of running desktops that are examined, from the start of the list.
MOST_DESKTOPS = 50


class FirewallExaminer(ProxmoxHypervisor):
    """Examines the cluster, the service on each node, the templates and the running desktops."""

    def __init__(
        self,
        config: ProxmoxConfig,
        templates: Callable[[], Sequence[WantedTemplate]],
        desktops: Callable[[], Sequence[Neighbour]],
    ) -> None:
        super().__init__(config)
        self._templates = templates
        self._desktops = desktops

    def examine(self) -> Iterator[CheckResult]:
        """Yields the signs of all parts in order; each part is examined on its own."""
        yield from examined("firewall of the cluster", self._examine_cluster)
        yield from examined("firewall service", self._examine_services)
        yield from examined("firewall of templates", self._examine_templates)
        yield from examined("firewall of desktops", self._examine_desktops)

    def _examine_cluster(self) -> Iterator[CheckResult]:
        """GET /cluster/firewall/options (needs Sys.Audit on /)."""
        try:
            options = self._get_object("cluster", "firewall", "options")
        except OutsideFailed as error:
            yield firewall.unseen_cluster(error.message, self._config.user, self._config.token_id)
            return
        yield firewall.judge_cluster(_flag(options, "enable", default=False))

    def _examine_services(self) -> Iterator[CheckResult]:
        """GET …/services/{name}/state on every node that is up."""
        for row in self._nodes():
            if row.get("status") != "offline":
                node = str(row["node"])
                part = f"firewall service on {node}"[:40]
                yield from examined(part, partial(self._examine_service, part, node))

    def _examine_service(self, part: str, node: str) -> Iterator[CheckResult]:
        options = self._get_object("nodes", node, "firewall", "options")
        name = "proxmox-firewall" if _flag(options, "nftables", default=False) else "pve-firewall"
        state = self._get_object("nodes", node, "services", name, "state")
        yield firewall.judge_service(part, node, name, str(state["state"]))

    def _examine_templates(self) -> Iterator[CheckResult]:
        for template in self._templates():
            part = f"firewall of template {template.name}"[:40]
            yield from examined(part, partial(self._examine_template, part, template))

    def _examine_template(self, part: str, template: WantedTemplate) -> Iterator[CheckResult]:
        found = self.container(template.vmid)
        if found is None:
            text = f"The container {template.vmid} does not exist."
            yield CheckResult(part, Health.UNKNOWN, text, "See what is said of the template.")
            return
        yield firewall.judge_template(
            part, template.vmid, self._firewall_of(found.node, template.vmid)
        )

    def _examine_desktops(self) -> Iterator[CheckResult]:
        """Yields a sign for this portal's running desktops; none if no desktop runs."""
        desktops = self._desktops()[:MOST_DESKTOPS]
        seen: dict[int, GuestFirewall | None] = {}
        for desktop in desktops:
            try:
                seen[desktop.vmid] = self._firewall_of(desktop.node, desktop.vmid)
            except (OutsideFailed, LookupError, TypeError, ValueError, AttributeError):
                seen[desktop.vmid] = None
        if seen:
            yield firewall.judge_desktops(seen)

    def _firewall_of(self, node: str, vmid: int) -> GuestFirewall:
        """Returns the settings of its network interface, its options and its rules."""
        guest = ("nodes", node, "lxc", vmid)
        config = self._get_object(*guest, "config")
        card = dict(parse_qsl(str(config.get("net0", "")).replace(",", "&")))
        options = self._get_object(*guest, "firewall", "options")
        rules = self._get(*guest, "firewall", "rules")
        if not isinstance(rules, list):
            raise TypeError("rules are a list")
        return GuestFirewall(
            card=card.get("firewall") == "1",
            switch=_flag(options, "enable", default=False),
            ipfilter=_flag(options, "ipfilter", default=False),
            drops=str(options.get("policy_in", "DROP")) != "ACCEPT",
            opens=any(_lets_everybody_in(rule) for rule in rules),
        )

    def _get_object(self, *path: str | int) -> Mapping[str, Any]:
        answer = self._get(*path)
        if not isinstance(answer, dict) or "errors" in answer:
            raise TypeError("an object was asked for")
        return answer


def _flag(options: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Parses 0 or 1, as a number or a text; raises ValueError for anything else."""
    return bool(int(options.get(name, default)))


def _lets_everybody_in(rule: Mapping[str, Any]) -> bool:
    is_way_in = (rule.get("type"), rule.get("action")) == ("in", "ACCEPT")
    return is_way_in and bool(int(rule.get("enable", 1))) and not rule.get("source")
