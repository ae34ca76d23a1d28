"""Proxmox's firewall: options of cluster, node and guest, rules of a guest, the node's service."""

from __future__ import annotations

import ipaddress
from typing import Any

from labnode import firewall
from labnode.api.lxc_rules import AUDIT, GUEST, VMID_PARAM
from labnode.errors import BadParameters, Failed
from labnode.routes import Call, Routes, anyone, perm
from labnode.schema import FLAG, Param, choice, integer, required, split_list, text
from labnode.store import Document

routes = Routes()

CONFIGURE = perm("/vms/{vmid}", "VM.Config.Network")
PROTOCOLS = frozenset({"tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "sctp", "esp", "gre"})
POLICY = choice("ACCEPT", "REJECT", "DROP")
LOG = choice("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog")
CHANGE = {"delete": text(format="pve-configid-list"), "digest": text(max_length=64)}
CLUSTER_OPTIONS = {
    **CHANGE,
    "ebtables": FLAG,
    "enable": integer(0),
    "log_ratelimit": text(
        parts={
            "burst": integer(0),
            "enable": Param("boolean", optional=False, default_key=True),
            "rate": text(pattern=r"[1-9][0-9]*\/(second|minute|hour|day)"),
        }
    ),
    "policy_forward": choice("ACCEPT", "DROP"),
    "policy_in": POLICY,
    "policy_out": POLICY,
}
GUEST_OPTIONS = {
    **VMID_PARAM,
    **CHANGE,
    **dict.fromkeys(("dhcp", "enable", "ipfilter", "macfilter", "ndp", "radv"), FLAG),
    **dict.fromkeys(("log_level_in", "log_level_out"), LOG),
    **dict.fromkeys(("policy_in", "policy_out"), POLICY),
}
RULE = {
    **VMID_PARAM,
    "action": text(
        optional=False, min_length=2, max_length=20, pattern=r"[A-Za-z][A-Za-z0-9\-\_]+"
    ),
    "comment": text(),
    "dest": text(max_length=512),
    "digest": text(max_length=64),
    "dport": text(requires="proto"),
    "enable": integer(0),
    "icmp-type": text(),
    "iface": text(min_length=2, max_length=20),
    "log": LOG,
    "macro": text(max_length=128),
    "pos": integer(0),
    "proto": text(),
    "source": text(max_length=512),
    "sport": text(requires="proto"),
    "type": required(choice("in", "out", "forward", "group")),
}
AT = {**VMID_PARAM, "pos": integer(0)}
CHANGED_RULE = {
    **RULE,
    "action": text(min_length=2, max_length=20, pattern=r"[A-Za-z][A-Za-z0-9\-\_]+"),
    "type": choice("in", "out", "forward", "group"),
    "delete": text(format="pve-configid-list"),
    "moveto": integer(0),
}
NOT_OF_A_RULE = {"node", "vmid", "pos", "digest", "delete", "moveto"}


# -- options


@routes.add("GET", "/cluster/firewall/options", perm("/", "Sys.Audit"))
def cluster_options(call: Call) -> object:
    """The options of the whole cluster."""
    return _options(call, firewall.CLUSTER)


@routes.add("PUT", "/cluster/firewall/options", perm("/", "Sys.Modify"), CLUSTER_OPTIONS)
def change_cluster_options(call: Call) -> object:
    """Set and delete options of the cluster."""
    _change_options(call, firewall.CLUSTER)
    return None


@routes.add("GET", "/nodes/{node}/firewall/options", perm("/nodes/{node}", "Sys.Audit"))
def node_options(call: Call) -> object:
    """The options of the node."""
    return _options(call, firewall.node(call.node.name))


@routes.add(
    "PUT",
    "/nodes/{node}/firewall/options",
    perm("/nodes/{node}", "Sys.Modify"),
    {**CHANGE, "enable": FLAG, "nftables": FLAG},
)
def change_node_options(call: Call) -> object:
    """Set and delete options of the node."""
    _change_options(call, firewall.node(call.node.name))
    return None


@routes.add(
    "GET",
    "/nodes/{node}/services/{service}/state",
    perm("/nodes/{node}", "Sys.Audit"),
    {"service": required(choice("pve-firewall", "proxmox-firewall"))},
)
def service_state(call: Call) -> object:
    """Whether the service that applies the rules runs."""
    name = call.params["service"]
    runs = name == "pve-firewall" and call.node.guests.firewall.is_serving(call.node.name)
    states = ("running", "active", "enabled") if runs else ("dead", "inactive", "disabled")
    facts = zip(("state", "active-state", "unit-state"), states, strict=True)
    return {"service": name, "name": name, "desc": "Proxmox VE firewall", **dict(facts)}


@routes.add("GET", f"{GUEST}/firewall", anyone, VMID_PARAM)
def index(call: Call) -> object:
    """List the paths below a container's firewall."""
    return [{"name": name} for name in ("rules", "aliases", "ipset", "refs", "options")]


@routes.add("GET", f"{GUEST}/firewall/options", AUDIT, VMID_PARAM)
def guest_options(call: Call) -> object:
    """The options of a container."""
    return _options(call, _guest(call))


@routes.add("PUT", f"{GUEST}/firewall/options", CONFIGURE, GUEST_OPTIONS)
def change_guest_options(call: Call) -> object:
    """Set and delete options of a container."""
    _change_options(call, _guest(call))
    return None


# -- rules


@routes.add("GET", f"{GUEST}/firewall/rules", AUDIT, VMID_PARAM)
def list_rules(call: Call) -> object:
    """All rules of a container."""
    rules = call.node.guests.firewall.rules(_guest(call))
    return [_shown(call, rule, position) for position, rule in enumerate(rules)]


@routes.add("POST", f"{GUEST}/firewall/rules", CONFIGURE, RULE)
def add_rule(call: Call) -> object:
    """Add a rule, before all others if no position is given."""
    scope, files = _guest(call), call.node.guests.firewall
    _check_digest(call, scope, "rules")
    rule = _rule(call.params)
    _check_rule(rule)
    rules = files.rules(scope)
    position = call.params.get("pos", 0)
    files.set_rules(scope, [*rules[:position], {"enable": 1, **rule}, *rules[position:]])
    return None


@routes.add("GET", f"{GUEST}/firewall/rules/{{pos}}", AUDIT, AT)
def show_rule(call: Call) -> object:
    """Return one rule; its position is a string here, as in Proxmox."""
    position = call.params["pos"]
    rule = call.node.guests.firewall.rule(_guest(call), position)
    return {**_shown(call, rule, position), "pos": str(position)}


@routes.add("PUT", f"{GUEST}/firewall/rules/{{pos}}", CONFIGURE, CHANGED_RULE)
def change_rule(call: Call) -> object:
    """Change a rule, or move it."""
    scope, files = _guest(call), call.node.guests.firewall
    _check_digest(call, scope, "rules")
    position, rules = call.params["pos"], files.rules(scope)
    deleted = split_list(call.params.get("delete"))
    rule = {**files.rule(scope, position), **_rule(call.params)}
    rule = {key: value for key, value in rule.items() if key not in deleted}
    _check_rule(rule)
    del rules[position]
    rules.insert(call.params.get("moveto", position), rule)
    files.set_rules(scope, rules)
    return None


@routes.add(
    "DELETE", f"{GUEST}/firewall/rules/{{pos}}", CONFIGURE, {**AT, "digest": text(max_length=64)}
)
def delete_rule(call: Call) -> object:
    """Remove a rule."""
    scope, files = _guest(call), call.node.guests.firewall
    _check_digest(call, scope, "rules")
    files.rule(scope, call.params["pos"])
    rules = files.rules(scope)
    del rules[call.params["pos"]]
    files.set_rules(scope, rules)
    return None


# -- helpers


def _guest(call: Call) -> str:
    return firewall.guest(call.params["vmid"])


def _options(call: Call, scope: str) -> Document:
    files = call.node.guests.firewall
    return {**files.options(scope), "digest": files.digest(scope)}


def _change_options(call: Call, scope: str) -> None:
    _check_digest(call, scope, "")
    deleted = split_list(call.params.get("delete"))
    names = {"node", "vmid", *CHANGE}
    values = {key: value for key, value in call.params.items() if key not in names}
    call.node.guests.firewall.set_options(scope, values, deleted)


def _check_digest(call: Call, scope: str, part: str) -> None:
    expected = call.params.get("digest")
    if expected and expected != call.node.guests.firewall.digest(scope, part):
        raise Failed("detected modified configuration - file changed by other user? Try again.")


def _rule(params: dict[str, Any]) -> Document:
    return {key: value for key, value in params.items() if key not in NOT_OF_A_RULE}


def _check_rule(rule: Document) -> None:
    errors = {}
    if rule.get("proto", "tcp") not in PROTOCOLS:
        errors["proto"] = f"invalid format - unknown protocol '{rule['proto']}'\n"
    for key in ("source", "dest"):
        if problem := _address_problem(str(rule.get(key, ""))):
            errors[key] = problem
    if errors:
        raise BadParameters(errors)


def _address_problem(value: str) -> str:
    """Reject names of address sets and aliases: this server cannot create them, so none exists."""
    if value.startswith("+"):
        return f"no such ipset '{value[1:]}'"
    for part in split_list(value):
        try:
            for end in part.split("-"):
                ipaddress.ip_network(end, strict=False)
        except ValueError:
            return f"no such alias '{part}'"
    return ""


def _shown(call: Call, rule: Document, position: int) -> Document:
    addresses = [part for key in ("source", "dest") for part in split_list(rule.get(key))]
    version = {"ipversion": 6 if ":" in addresses[0] else 4} if addresses else {}
    digest = call.node.guests.firewall.digest(_guest(call), "rules")
    return {**rule, **version, "pos": position, "digest": digest}
