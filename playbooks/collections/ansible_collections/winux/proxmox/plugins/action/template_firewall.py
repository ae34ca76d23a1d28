"""Writes a template's firewall, which every clone copies: only portal and gateway may connect."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.action import CONNECTION, ProxmoxAction
from ansible_collections.winux.proxmox.plugins.module_utils.addresses import parse_properties
from ansible_collections.winux.proxmox.plugins.module_utils.api import Api
from ansible_collections.winux.proxmox.plugins.module_utils.containers import Container
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.marks import (
    draft_mark,
    has_mark,
    template_mark,
)

#: Enables the guest's firewall: its card sends only from its own address, and all other incoming
#: traffic is dropped.
OPTIONS: dict[str, Any] = {"enable": 1, "ipfilter": 1, "policy_in": "DROP"}
COMMENT = "winux: portal and gateway"
PORTS = "22,3389"
ANY_PORT = 9
LONGEST_SOURCE = 512


class ActionModule(ProxmoxAction):
    spec: ClassVar[dict[str, Any]] = CONNECTION | {
        "vmid": {"type": "int", "required": True},
        "name": {"type": "str", "required": True},
        "version": {"type": "str", "required": True},
        "sources": {"type": "list", "elements": "str", "default": []},
        "network": {"type": "str"},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        template = self._template(arguments)
        sources = checked_sources(arguments["sources"]) or [own_address(arguments["network"])]
        changed = self._switch_card(template)
        changed |= self._set_options(template)
        changed |= self._set_rule(template, ",".join(sources))
        return {"changed": changed, "sources": sources}

    def _template(self, arguments: dict[str, Any]) -> Container:
        """Return the draft, or the published template of this version; refuse anything else."""
        api, vmid = self.connect(arguments), arguments["vmid"]
        names = arguments["name"], arguments["version"]
        published = Container(api, vmid, template_mark(*names))
        if has_mark(published.find() or {}, published.mark):
            return published
        draft = Container(api, vmid, draft_mark(*names))
        if draft.find_ours() is None:
            raise ProxmoxFailed(f"template {vmid} is not there")
        return draft

    def _switch_card(self, template: Container) -> bool:
        """Set firewall=1 on net0 and keep the rest."""
        card = str((template.find() or {}).get("net0", ""))
        parts = parse_properties(card)
        if not parts:
            raise ProxmoxFailed(f"template {template.vmid} has no network card net0")
        if parts.get("firewall") == "1":
            return False
        text = ",".join(f"{key}={value}" for key, value in {**parts, "firewall": "1"}.items())
        if not self.check_mode:
            template.set_options({"net0": text})
        return True

    def _set_options(self, template: Container) -> bool:
        path = f"{template.path}/firewall/options"
        have = template.api.read(path)
        if all(str(have.get(name)) == str(value) for name, value in OPTIONS.items()):
            return False
        if not self.check_mode:
            template.api.write("put", path, lambda: False, **OPTIONS)
        return True

    def _set_rule(self, template: Container, source: str) -> bool:
        """Set our rule, identified by its comment; the administrator's other rules stay."""
        wanted = {
            "type": "in",
            "action": "ACCEPT",
            "proto": "tcp",
            "dport": PORTS,
            "source": source,
            "enable": 1,
        }
        ours = self._our_rules(template.api, template.path)
        if [_shown(rule, wanted) for rule in ours] == [_shown(wanted, wanted)]:
            return False
        if not self.check_mode:
            self._replace(template, ours, wanted)
        return True

    def _replace(
        self, template: Container, old: list[dict[str, Any]], wanted: dict[str, Any]
    ) -> None:
        """Add the new rule first, so that a running clone never locks the portal out."""
        path = f"{template.path}/firewall/rules"
        before = len(old)

        def happened() -> bool:
            return len(self._our_rules(template.api, template.path)) > before

        template.api.write("post", path, happened, comment=COMMENT, **wanted)
        for rule in sorted(old, key=lambda one: int(one["pos"]), reverse=True):
            at = int(rule["pos"]) + 1  # a new rule is inserted before all others
            template.api.write("delete", f"{path}/{at}", lambda: True)

    def _our_rules(self, api: Api, path: str) -> list[dict[str, Any]]:
        rules = api.read_list(f"{path}/firewall/rules")
        return [rule for rule in rules if str(rule.get("comment", "")).strip() == COMMENT]


def _shown(rule: dict[str, Any], wanted: dict[str, Any]) -> dict[str, str]:
    return {name: str(rule.get(name)) for name in wanted}


def checked_sources(sources: list[str]) -> list[str]:
    """Return addresses and networks as Proxmox VE accepts them; refuse any other text."""
    for source in sources:
        try:
            ipaddress.ip_network(source)
        except ValueError as error:
            raise ProxmoxFailed(
                f"portal_addresses: {source!r} is no address or network such as 10.20.0.1 or "
                f"10.30.0.0/24: {error}"
            ) from error
    if len(",".join(sources)) > LONGEST_SOURCE:
        raise ProxmoxFailed(f"portal_addresses is longer than {LONGEST_SOURCE} characters")
    return sources


def own_address(network: str | None) -> str:
    """Return the address with which this machine reaches the desktops; no packet is sent."""
    if not network:
        raise ProxmoxFailed(
            "say from which addresses portal and gateway reach desktops: portal_addresses, or "
            "container_network for this machine's own"
        )
    try:
        target = str(ipaddress.ip_interface(network).network[1])
        kind = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(kind, socket.SOCK_DGRAM) as asked:
            asked.connect((target, ANY_PORT))
            return str(asked.getsockname()[0])
    except (OSError, ValueError, IndexError) as error:
        raise ProxmoxFailed(
            f"this machine has no way to the desktops' network {network} ({error}): say which "
            "addresses portal and gateway have with portal_addresses"
        ) from error
