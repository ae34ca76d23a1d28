"""Endpoints, parameters and answers compared with Proxmox's own description of its API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from labnode.api import all_endpoints
from labnode.routes import Route
from labnode.schema import Param
from tests.labnode.recordings import reference_dir
from tests.labnode.server import Client, LabNode

FILE = reference_dir() / "pve-api-lxc.json"
pytestmark = pytest.mark.skipif(
    not FILE.exists(),
    reason="Proxmox's API description is not there (set WINUX_REFERENCE_DIR to its folder)",
)
ROUTES = [route for route in all_endpoints().routes if route.path != "/"]
# This file tests only containers.
NOT_IN_FILE = {
    "/nodes/{node}/qemu/{vmid}/config",
    "/nodes/{node}/firewall/options",
    "/nodes/{node}/services/{service}/state",
}
# Answers in which recorded real nodes deviate from the description as well.
LIKE_THE_REAL_ONE = {"/nodes/{node}/lxc/{vmid}/pending"}  # numbers where strings are described


def described() -> dict[str, Any]:
    paths: dict[str, Any] = json.loads(FILE.read_text())["paths"]
    return paths


def proxmox_path(route: Route) -> str:
    return route.path.replace(":path", "")


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_an_endpoint_takes_what_proxmox_takes(route: Route) -> None:
    path = proxmox_path(route)
    if path in NOT_IN_FILE:
        pytest.skip("not in the description")
    parameters = described()[path][route.method].get("parameters", {})
    theirs = parameters.get("properties") or {}
    assert set(route.params) - set(theirs) == set(), "parameters that Proxmox does not know"
    assert set(theirs) - set(route.params) - {"tmpfilename"} == set(), "parameters that are missing"
    for name, param in route.params.items():
        problems = list(parameter_differences(param, theirs[name]))
        assert problems == [], f"{name}: {problems}"


def parameter_differences(ours: Param, theirs: dict[str, Any]) -> list[str]:
    found = []
    if ours.type != theirs["type"]:
        found.append(f"type {ours.type} instead of {theirs['type']}")
    if ours.optional != bool(theirs.get("optional")):
        found.append(f"optional: {ours.optional}")
    if ours.enum and list(ours.enum) != theirs.get("enum"):
        found.append(f"enum {ours.enum} instead of {theirs.get('enum')}")
    for limit in ("minimum", "maximum"):
        if getattr(ours, limit) != _number(theirs.get(limit)):
            found.append(f"{limit} {getattr(ours, limit)} instead of {theirs.get(limit)}")
    if ours.max_length not in (None, theirs.get("maxLength")):
        found.append(f"maxLength {ours.max_length}")
    if ours.format and ours.format != theirs.get("format"):
        found.append(f"format {ours.format} instead of {theirs.get('format')}")
    if isinstance(theirs.get("format"), dict) and ours.parts:
        found += [f"part {n}" for n in set(ours.parts) ^ set(theirs["format"])]
    return found


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def type_problems(value: Any, schema: dict[str, Any], where: str = "data") -> list[str]:
    """Yield deviations of an answer from its description; booleans are 0 and 1, numbers may be
    strings."""
    kind = schema.get("type")
    if value is None or kind is None:
        return []
    if kind == "array":
        if not isinstance(value, list):
            return [f"{where} is no list"]
        items = schema.get("items", {})
        return [
            p for n, each in enumerate(value) for p in type_problems(each, items, f"{where}[{n}]")
        ]
    if kind == "object" or schema.get("properties"):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        return _object_problems(value, schema, where)
    fits = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) or str(value).isdigit(),
        "number": isinstance(value, int | float),
        "boolean": value in (0, 1, "0", "1"),
        "null": False,
    }[kind]
    return [] if fits else [f"{where}: {value!r} is no {kind}"]


def _object_problems(value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    known = schema.get("properties", {})
    found = [
        f"{where}.{name} is missing"
        for name, each in known.items()
        if not each.get("optional") and name not in value and "[n]" not in name
    ]
    for name, each in value.items():
        described_ = known.get(name) or known.get(re.sub(r"\d+$", "[n]", name), {})
        found += type_problems(each, described_, f"{where}.{name}")
    return found


@pytest.fixture(scope="module")
def paths(node: LabNode, make: Callable[..., int], template: int) -> dict[str, str]:
    vmid = make(400, net0="name=eth0,bridge=wxbr0,ip=10.203.0.9/24")
    node.client().post(f"/nodes/lab/lxc/{vmid}/firewall/rules", type="in", action="ACCEPT")
    return {
        "node": "lab",
        "pos": "0",
        "vmid": str(vmid),
        "storage": "local",
        "poolid": "winux",
    }


@pytest.mark.parametrize("is_running", [False, True])
def test_answers_are_as_proxmox_describes_them(
    root: Client, paths: dict[str, str], is_running: bool
) -> None:
    if is_running:
        root.done(root.post(f"/nodes/lab/lxc/{paths['vmid']}/status/start"))
    upid = root.get("/nodes/lab/tasks").data[0]["upid"]
    queries = {"/feature": "?feature=clone"}
    asked = 0
    for route in ROUTES:
        path = proxmox_path(route)
        left_out = path in NOT_IN_FILE | LIKE_THE_REAL_ONE or "{snapname}" in path
        if route.method != "GET" or left_out:
            continue
        url = path.format(**paths, upid=upid)
        url += next((query for end, query in queries.items() if path.endswith(end)), "")
        answer = root.get(url)
        assert answer.status == 200, f"{url}: {answer.reason}"
        returns = described()[path]["GET"].get("returns", {})
        assert type_problems(answer.data, returns) == [], url
        asked += 1
    assert asked > 20
