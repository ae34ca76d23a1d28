"""The firewall: as recorded on a real node, copied by clones, removed with the container."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.labnode import recordings
from tests.labnode.server import Client

FILE = recordings.reference_dir() / "pve-recordings-9.1-networks.jsonl"
GUEST = 40001
#: In the recorded order, because each depends on the ones before.
CASES = """fw.index.none fw.options.audit fw.rules.audit fw.options.put fw.options.get
    fw.options.put.bad fw.options.delete fw.rules.post fw.rules.post2 fw.rules.post.bad-proto
    fw.rules.post.bad-source fw.rules.post.noipset fw.rules.post.dport-noproto fw.rules.post.group
    fw.rules.list fw.rules.get fw.rules.get.none fw.rules.put fw.rules.put.digest fw.rules.delete
    fw.cluster.options fw.cluster.put fw.cluster.options.on""".split()
REFUSED = """fw.options.none fw.options.put.audit fw.rules.post.audit fw.cluster.options.none
    fw.cluster.put.none fw.node.options fw.node.put""".split()
TEMPLATE = ["fwt.options", "fwt.rule.rdp", "fwt.get", "fwt.portal.options"]


def recorded() -> dict[str, dict[str, Any]]:
    text = FILE.read_text().replace("/nodes/pve", "/nodes/lab")
    exchanges = map(json.loads, text.splitlines())
    return {one["case"]: one for one in exchanges}


def replay(client: Client, exchange: dict[str, Any]) -> list[str]:
    """Return the differences in our answer."""
    answer = client(exchange["method"], exchange["path"], exchange.get("params"))
    if (answer.status, answer.reason) != (exchange["status"], exchange["reason"]):
        return [f"{answer.status} {answer.reason}"]
    return list(recordings.differences(answer.json, exchange["body"]))


@pytest.mark.skipif(not FILE.exists(), reason="the recordings are not there")
def test_options_and_rules_answer_as_a_real_node(root: Client, make: Callable[..., int]) -> None:
    make(GUEST)
    exchanges = recorded()
    different = {case: replay(root, exchanges[case]) for case in CASES}
    assert {case: why for case, why in different.items() if why} == {}


@pytest.mark.skipif(not FILE.exists(), reason="the recordings are not there")
def test_a_template_takes_the_recorded_rules(root: Client, make: Callable[..., int]) -> None:
    make(29001)
    root.post("/nodes/lab/lxc/29001/template")
    exchanges = recorded()
    different = {case: replay(root, exchanges[case]) for case in TEMPLATE}
    assert {case: why for case, why in different.items() if why} == {}


@pytest.mark.skipif(not FILE.exists(), reason="the recordings are not there")
@pytest.mark.parametrize("case", REFUSED)
def test_a_missing_right_is_refused_as_on_a_real_node(
    root: Client, make_weak: Callable[..., Client], case: str
) -> None:
    """The caller has the rights of the recorded token: none, or VM.Audit."""
    client = make_weak("VM.Audit" if case.endswith("audit") else "Pool.Audit")
    assert replay(client, recorded()[case]) == []


def test_a_clone_has_the_rules_of_its_template_and_takes_them_with_it(
    root: Client, make: Callable[..., int]
) -> None:
    make(29101)
    rule = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22", "source": "10.0.0.1"}
    root.put("/nodes/lab/lxc/29101/firewall/options", enable=1, ipfilter=1)
    root.post("/nodes/lab/lxc/29101/firewall/rules", **rule)
    root.post("/nodes/lab/lxc/29101/template")
    assert root.done(root.post("/nodes/lab/lxc/29101/clone", newid=30101, pool="winux")) == "OK"
    assert root.get("/nodes/lab/lxc/30101/firewall/options").data["ipfilter"] == 1
    assert [r["dport"] for r in root.get("/nodes/lab/lxc/30101/firewall/rules").data] == ["22"]
    assert root.done(root.delete("/nodes/lab/lxc/30101")) == "OK"
    make(30101)
    assert root.get("/nodes/lab/lxc/30101/firewall/rules").data == []


def test_the_node_says_whether_its_firewall_runs(root: Client) -> None:
    assert root.get("/nodes/lab/services/pve-firewall/state").data["state"] == "running"
    assert root.get("/nodes/lab/firewall/options").data.keys() == {"digest"}
