"""What cannot be checked is unknown: each request of the doctor × each way to fail."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from labnode.access import Access
from labnode.setup import USER
from labnode.store import Store
from tests.adapters.lab import TEMPLATE, create, environment_of, fault, make_template
from tests.labnode.server import Client, LabNode
from webapp.adapters.examine_firewall import FirewallExaminer
from webapp.adapters.examine_proxmox import ProxmoxExaminer
from webapp.config import Config, load
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.ports import Neighbour, WantedTemplate

DESKTOP = Neighbour("desktop-a", 1, 30001, "lab", "10.203.0.70", "SHA256:x")
GUESTS = rf"lxc/({TEMPLATE}|30001)"
#: Each request, and the parts that depend on its answer.
QUESTIONS = {
    r"GET /version$": {"Proxmox VE"},
    r"GET /nodes$": {"nodes", "storage", "bridge"},
    r"GET /access/permissions": {
        "rights on the pool",
        "rights on the storage",
        "rights on the bridge",
        "rights on the nodes",
    },
    r"GET /nodes/lab/storage": {"storage"},
    r"GET /nodes/lab/network": {"bridge"},
    rf"GET /nodes/lab/lxc/{TEMPLATE}/config": {"template xfce", "firewall of template xfce"},
    rf"GET /nodes/lab/lxc/{TEMPLATE}/status": {"template xfce"},
    r"GET /cluster/firewall/options": {"firewall of the cluster"},
    r"GET /nodes/lab/firewall/options": {"firewall service on lab"},
    r"GET /nodes/lab/services": {"firewall service on lab"},
    rf"GET /nodes/lab/{GUESTS}/firewall/options": {
        "firewall of template xfce",
        "firewall of desktops",
    },
    rf"GET /nodes/lab/{GUESTS}/firewall/rules": {
        "firewall of template xfce",
        "firewall of desktops",
    },
}
FAILURES = {
    "denied": {"kind": "error", "status": 403, "reason": "Permission check failed"},
    "broken": {"kind": "error", "status": 595},
    "dropped": {"kind": "drop"},
    "no JSON": {"kind": "html"},
    "another kind": {"kind": "empty-list"},
}
SLOW = {"kind": "slow", "delay": 7}
#: Proxmox VE answers with an empty list if a token may see nothing, or if there is nothing.
ANSWERED_BY_A_LIST = {
    r"GET /nodes/lab/storage": {"storage"},
    r"GET /nodes/lab/network": {"bridge"},
}


@dataclass(frozen=True)
class Site:
    node: LabNode
    config: Config

    def signs(self) -> dict[str, CheckResult]:
        proxmox, templates = self.config.proxmox, [WantedTemplate("xfce", TEMPLATE, "1")]
        examiners = (
            ProxmoxExaminer(proxmox, lambda: templates),
            FirewallExaminer(proxmox, lambda: templates, lambda: [DESKTOP]),
        )
        return {sign.part: sign for one in examiners for sign in one.examine()}

    def with_fault(self, question: str, how: dict[str, object]) -> dict[str, CheckResult]:
        fault(self.node, str(how["kind"]), path=question, **{k: how[k] for k in how if k != "kind"})
        try:
            return self.signs()
        finally:
            fault(self.node, "error", path="no such path")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A healthy node, and a token that may read even the cluster's firewall."""
    folder = tmp_path_factory.mktemp("blind")
    (folder / "lab").mkdir()
    node = LabNode(folder / "lab", ["--faults"]).start()
    make_template(node.client())
    create(node.client(), 30001, hostname="desktop-a")
    for vmid in (TEMPLATE, 30001):
        close(node.client(), vmid, node.settings()["proxmox_bridge"])
    node.stop()
    store = Store(node.state_dir / "state.sqlite")
    for kind, name in (("users", USER), ("tokens", f"{USER}!portal")):
        Access(store).grant("/", ["PVEAuditor"], kind, [name], propagate=False)
    store.table("firewall").put("cluster", {"options": {"enable": 1}, "rules": []})
    node.start()
    yield Site(node, load(environment_of(node, folder)))
    node.stop()


def close(client: Client, vmid: int, bridge: str) -> None:
    """Set up the firewall as template-build.yml does."""
    card = f"name=eth0,bridge={bridge},ip=manual,firewall=1"
    assert client.put(f"/nodes/lab/lxc/{vmid}/config", net0=card).status == 200
    options = {"enable": 1, "ipfilter": 1, "policy_in": "DROP"}
    assert client.put(f"/nodes/lab/lxc/{vmid}/firewall/options", **options).status == 200


def test_with_open_eyes_all_is_well(site: Site) -> None:
    signs = site.signs()
    assert {part: sign for part, sign in signs.items() if sign.health is not Health.GOOD} == {}
    assert set(signs) - {"certificate", "clock"} == set().union(*QUESTIONS.values())


@pytest.mark.sampled(8)
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_look_that_fails_is_never_called_good(site: Site, question: str, failure: str) -> None:
    signs = site.with_fault(question, FAILURES[failure])
    check(signs, question, failure)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("question", [q for q in QUESTIONS if "version" not in q])
def test_an_answer_that_takes_too_long_is_unknown(site: Site, question: str) -> None:
    check(site.with_fault(question, SLOW), question, "slow")


def check(signs: dict[str, CheckResult], question: str, failure: str) -> None:
    """Parts that depend on the answer are unknown; all others are unchanged."""
    if question == r"GET /version$":
        assert signs["Proxmox VE"].health is Health.BAD
        assert signs["storage"].health is Health.UNKNOWN
        return
    blind = {part for part, sign in signs.items() if sign.health is not Health.GOOD}
    if failure == "another kind" and question in ANSWERED_BY_A_LIST:
        assert blind == ANSWERED_BY_A_LIST[question]
        return
    if failure == "another kind" and question.endswith("rules"):
        return  # a missing rule is a valid answer
    assert blind >= QUESTIONS[question] - rests(question)
    for part in blind:
        assert signs[part].health is Health.UNKNOWN, (part, signs[part])


def rests(question: str) -> set[str]:
    """Return parts that have another name if the list of nodes is missing."""
    return {"firewall service on lab"} if re.match(r"GET /nodes\$", question) else set()


def test_the_switch_of_a_single_container_is_looked_at(site: Site) -> None:
    """Return the parts that the doctor reports as good when it reads only the cluster."""
    client = site.node.client()
    path = f"/nodes/lab/lxc/{TEMPLATE}/firewall/options"
    client.put(path, enable=0)
    assert "own firewall is off" in site.signs()["firewall of template xfce"].text
    client.put(path, enable=1, ipfilter=0)
    assert "ipfilter" in site.signs()["firewall of template xfce"].text
    client.put(path, ipfilter=1)
    client.put("/nodes/lab/lxc/30001/firewall/options", enable=0)
    assert "Not isolated: desktop 30001" in site.signs()["firewall of desktops"].text
    client.put("/nodes/lab/lxc/30001/firewall/options", enable=1)


def test_a_service_that_was_stopped_is_found(site: Site) -> None:
    site.node.stop()
    table = Store(site.node.state_dir / "state.sqlite").table("firewall")
    table.put("service/lab", {"stopped": 1})
    site.node.start()
    config = load(environment_of(site.node, site.node.state_dir.parent))
    sign = Site(site.node, config).signs()["firewall service on lab"]
    assert (sign.health, "pve-firewall does not run" in sign.text) == (Health.WARN, True)
    assert json.dumps(sign.cure)
