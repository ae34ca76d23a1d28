"""Whether desktops are isolated from each other, judged from measured values alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webapp.domain.upkeep.health import CheckResult, Health

#: The maximum number of names in one sentence.
NAMED = 5
AGAIN = (
    "Run playbooks/template-build.yml: it writes the firewall of a template that is published "
    "already, and builds nothing. Desktops that are made afterwards have it."
)


@dataclass(frozen=True)
class GuestFirewall:
    """The firewall settings of one container."""

    card: bool
    """firewall=1 on its network interface."""
    switch: bool
    """enable=1 in its own options."""
    ipfilter: bool
    """Only its own address may be used on its interface."""
    drops: bool
    """Packets that no rule accepts are dropped."""
    opens: bool
    """A rule accepts packets from any source."""

    @property
    def gaps(self) -> list[str]:
        """Returns the settings that prevent its isolation, as text."""
        found = {
            "its network card takes no part (firewall=1)": not self.card,
            "its own firewall is off (enable)": not self.switch,
            "another address can be used on its card (ipfilter)": not self.ipfilter,
            "its input policy is ACCEPT": not self.drops,
            "a rule lets everybody in": self.opens,
        }
        return [words for words, is_so in found.items() if is_so]


def unseen_cluster(why: str, user: str, token_id: str) -> CheckResult:
    """The cluster-wide switch, if the token may not read it."""
    return CheckResult(
        "firewall of the cluster",
        Health.UNKNOWN,
        f"Could not be looked at, so it may be off: {why} On the lab node desktops are always "
        "isolated."[:480],
        "Look under Datacenter → Firewall, or let the token see it, and its user, too: pveum acl "
        f"modify / --users {user} --roles PVEAuditor --propagate 0; pveum acl modify / --tokens "
        f"'{user}!{token_id}' --roles PVEAuditor --propagate 0",
    )


def judge_cluster(is_on: bool) -> CheckResult:
    """The cluster-wide switch, without which no other setting has an effect."""
    part = "firewall of the cluster"
    if is_on:
        return CheckResult(part, Health.GOOD, "Switched on.")
    return CheckResult(
        part,
        Health.WARN,
        "Not isolated: Proxmox's firewall is off, so desktops on a bridge reach each other.",
        "Switch it on under Datacenter → Firewall → Options, after a rule that lets you in.",
    )


def judge_service(part: str, node: str, name: str, state: str) -> CheckResult:
    """The service that applies the rules."""
    if state == "running":
        return CheckResult(part, Health.GOOD, f"{name} runs.")
    return CheckResult(
        part,
        Health.WARN,
        f"Not isolated: {name} does not run on {node} ({state})."[:500],
        f"On {node}: systemctl enable --now {name}; start desktops anew that run already.",
    )


def judge_template(part: str, vmid: int, found: GuestFirewall) -> CheckResult:
    """The settings that every clone of a template gets."""
    if not found.gaps:
        return CheckResult(
            part, Health.GOOD, "On for guest and card, with the filter for its address."
        )
    gaps = "; ".join(found.gaps)
    return CheckResult(part, Health.WARN, f"Not isolated: of template {vmid}, {gaps}.", AGAIN)


def judge_desktops(seen: Mapping[int, GuestFirewall | None]) -> CheckResult:
    """Running desktops; None for one whose settings could not be read."""
    part = "firewall of desktops"
    gaps = {vmid: one.gaps for vmid, one in seen.items() if one and one.gaps}
    unseen = [vmid for vmid, one in seen.items() if one is None]
    if gaps:
        first = next(iter(gaps))
        text = f"Not isolated: {_named(list(gaps))}. Of {first}, {'; '.join(gaps[first])}."
        return CheckResult(part, Health.WARN, text[:500], AGAIN)
    if unseen:
        text = f"Could not be looked at: {_named(unseen)}, of {len(seen)} running desktops."
        return CheckResult(part, Health.UNKNOWN, text, "See what is said of the token's rights.")
    return CheckResult(part, Health.GOOD, f"On for each of {len(seen)} running desktops.")


def _named(vmids: Sequence[int]) -> str:
    more = f" and {len(vmids) - NAMED} more" if len(vmids) > NAMED else ""
    return f"desktop {', '.join(map(str, vmids[:NAMED]))}{more}"


def judge_trial(
    source: str, target: str, ports: Sequence[int], reached: Sequence[int]
) -> CheckResult:
    """The result of attempts to reach one desktop from inside another."""
    part = "isolation"
    wanted = " and ".join(map(str, ports))
    if not reached:
        return CheckResult(
            part, Health.GOOD, f"{source} does not reach ports {wanted} of {target}."
        )
    named = ", ".join(map(str, reached))
    return CheckResult(
        part,
        Health.WARN,
        f"Not isolated: {source} reaches port {named} of {target}.",
        "See what is said of the firewall; docs/admin/proxmox.md names its four switches. "
        "pve-firewall takes up to 12 s to follow a change.",
    )


def judge_no_trial(why: str) -> CheckResult:
    """No attempt was possible."""
    return CheckResult(
        "isolation",
        Health.UNKNOWN,
        f"Not tried: {why}"[:500],
        "Start two desktops, then run ./winux doctor again.",
    )
