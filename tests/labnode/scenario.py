"""Replays the recorded scenario on a lab node and reports different results.

The recordings are one long scenario with gaps: some of its requests were not kept. `UNRECORDED`
repeats those that changed the state, so that later requests have the same meaning.
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.labnode import recordings
from tests.labnode.server import Answer, Client, LabNode

DESK_ROLE = """Datastore.AllocateSpace Datastore.Audit Pool.Audit SDN.Use Sys.Audit VM.Allocate
    VM.Audit VM.Clone VM.Config.CPU VM.Config.Disk VM.Config.Memory VM.Config.Network
    VM.Config.Options VM.PowerMgmt VM.Snapshot""".split()
SECRET, PASSWORD = "11111111-2222-3333-4444-555555555555", "Secret12345"
TEMPLATES = ("corrupt-12_1_amd64", "debian-12-spike_12.0-1_amd64", "desktop-12-xfce_1.0-1_amd64")
SMALL = "local:vztmpl/debian-12-spike_12.0-1_amd64.tar.zst"
LXC = "/nodes/pve/lxc"
ADDRESS_S = 1.5
WAIT = ("WAIT", "", {})
LATER = ("LATER", "", {})  # late enough that a started container has its address
#: The effect of `pct unlock` on the node.
UNLOCK = [("NODE", f"/labnode/unlock?vmid={vmid}", {}) for vmid in (305, 306)]
#: The worker of the next create is killed (`kill -9`).
KILL_CREATE = ("NODE", "/labnode/faults", [{"kind": "stale-lock", "path": "POST /nodes/pve/lxc$"}])
#: The statistics daemon ran, as it does every ten seconds. The times in UPIDs, and the uptimes that
#: it saw, show between which exchanges.
LOOK = ("NODE", "/labnode/statistics", {})
GOLDEN = {
    "ostemplate": SMALL,
    "unprivileged": 1,
    "hostname": "golden",
    "cores": 1,
    "memory": 512,
    "swap": 0,
    "rootfs": "btr:2",
    "net0": "name=eth0,bridge=vmbr0,ip=10.99.0.50/24,gw=10.99.0.1",
}
OTHER = {"ostemplate": SMALL, "unprivileged": 1, "memory": 256}
ACL = {"roles": "DeskHost"}

LATER_STORAGES = {"tiny"}  # storages that were added during the scenario

Step = tuple[str, str, Any]
# Before the first exchange of these cases the statistics daemon had run again.
LOOKED = (
    "pool.after-clone",
    "acl.pool.resources",
    "proxmoxer.resources",
    "ansible.create",
    "ansible.clone-existing",
    "ansible.start-again",
    "ansible.stop-again",
    "ansible.bad-storage",
    "ansible.absent-by-hostname",
    "ansible.snap",
    "ansible.vm-info-all",
    "resources.final",
)
# Before the first exchange of a case: requests that were made and not kept. WAIT: tasks ended.
UNRECORDED: dict[str, list[Step]] = {
    "create.template-bad-volid": [
        (
            "POST",
            LXC,
            {"vmid": 100, "ostemplate": "local:vztmpl/nope_1.tar.zst", "rootfs": "data:1"},
        )
    ],
    "create.storage-no-rootdir": [WAIT],
    "create.while-creating.start": [WAIT],
    "create.while-creating.clone": [WAIT],
    "stop.stopped": [("POST", f"{LXC}/100/status/stop", {}), WAIT],
    "start.running": [("POST", f"{LXC}/100/status/start", {}), WAIT],
    "run.status": [LOOK, LATER],
    "run.delete": [LOOK],
    "run.put-memory-hotplug": [("PUT", f"{LXC}/100/config", {"hostname": "golden2"})],
    "status.after": [
        ("PUT", f"{LXC}/100/config", {"description": "line1\nline2: é", "tags": "b;a"}),
        ("POST", f"{LXC}/100/status/stop", {}),
        WAIT,
    ],
    "snap.delete-unknown": [("POST", f"{LXC}/100/snapshot/zz/rollback", {}), WAIT],
    "clone.bad-hostname": [WAIT],
    "config.101": [
        ("POST", LXC, {**GOLDEN, "vmid": 100}),
        ("POST", LXC, {**OTHER, "vmid": 101, "hostname": "sub", "rootfs": "btr:0"}),
        ("POST", LXC, {**OTHER, "vmid": 102, "hostname": "dirraw", "rootfs": "data:4"}),
        WAIT,
    ],
    "delete.running": [("POST", f"{LXC}/112/status/start", {}), WAIT],
    "acl.bad-path": [WAIT, ("PUT", "/pools", {"poolid": "desks", "vms": "100"})],
    "acl.tok-sdn": [
        (
            "PUT",
            "/access/acl",
            {**ACL, "path": "/sdn/zones/localnetwork/vmbr0", "users": "desk@pve"},
        )
    ],
    "acl.tok-local": [
        ("PUT", "/access/acl", {**ACL, "path": "/storage/local", "users": "desk@pve"})
    ],
    "acl.full.template": [("POST", f"{LXC}/120/status/stop", {}), WAIT],
    "race.same-vmid.task-status": [WAIT],
    "race.parallel-linked.0": [("POST", f"{LXC}/100/clone", {"newid": 141, "pool": "desks"})],
    "proxmoxer.403": [WAIT],
    "proxmoxer.clone-locked": [("POST desk", f"{LXC}/100/clone", {"newid": 150, "pool": "desks"})],
    "proxmoxer.interfaces": [WAIT, LATER],
    "desktop.interfaces": [LATER],
    "ansible.info": [LATER],
    "desktop.template": [WAIT],
    "desktop.put-net": [WAIT],
    "desktop.full-clone": [WAIT],
    "kill.create": [WAIT, KILL_CREATE],
    "fail.no-such-template": [WAIT],
    "fail.storage-inactive": [WAIT, ("DELETE", f"{LXC}/320", {}), WAIT],
    "root-ticket.login": [("DELETE", f"{LXC}/320", {}), WAIT],
    "cleanup.delete-305": [WAIT, *UNLOCK],
    "busy.second-stop": [],
    "cfg.bad-bridge": [WAIT],
    "status.after-failed-start": [("POST", f"{LXC}/130/status/start", {}), WAIT],
    "reboot": [WAIT],
    "iface.130": [WAIT],
    "params.unused": [
        ("PUT", f"{LXC}/304/config", {"cores": 64, "tags": "zed,alpha;beta"}),
        ("PUT", f"{LXC}/304/config", {"rootfs": "btr:5"}),
    ],
    "feature.clone": [WAIT, ("POST", f"{LXC}/131/status/stop", {}), WAIT],
    "shutdown.forcestop": [WAIT],
    "inventory": [WAIT],
    **{case: [LOOK] for case in LOOKED},
}
#: Differences in the scenario of 8.4: other requests were not kept, and races ended differently.
UNRECORDED_8 = UNRECORDED | {
    "create.template-bad-volid": [],
    "race.same-vmid.2": [("POST", LXC, {**OTHER, "vmid": 130, "rootfs": "btr:1"})],
    "race.parallel-linked.3": [("POST", f"{LXC}/100/clone", {"newid": 141, "pool": "desks"})],
    "race.parallel-linked.0": [WAIT, ("DELETE", f"{LXC}/141", {}), WAIT],
}


@dataclass
class Outcome:
    """One case: an exchange of the scenario, and the lab node's answer to it."""

    case: str
    method: str
    path: str
    params: Any
    state: str = ""  # of a task that a request names
    problems: list[str] = field(default_factory=list)


def prepare(state_dir: Path) -> list[str]:
    """Give a new node the users, storages and templates of the recorded one; return server
    options."""
    from labnode.access import Access
    from labnode.storages import Storages
    from labnode.store import Store

    state_dir.mkdir(parents=True)
    store = Store(state_dir / "state.sqlite")
    access, storages = Access(store), Storages(store, state_dir)
    access.roles.put("DeskHost", {"privs": DESK_ROLE})
    access.add_user("root@pam", PASSWORD)
    access.add_token("root@pam", "full", SECRET, privsep=False)
    access.add_user("desk@pve", PASSWORD)
    for name in ("rw", "none"):
        access.add_token("desk@pve", name, SECRET)
    access.add_token("desk@pve", "expired", SECRET, expire=1)
    storages.set("local", "dir", "vztmpl,iso,backup")
    for name, kind in (("btr", "btrfs"), ("data", "dir"), ("tiny", "dir")):
        storages.set(name, kind, "rootdir,images")
    storages.remove("local-lab")
    for name in TEMPLATES:
        (storages.cache / f"{name}.tar.zst").write_bytes(b"made up")
    timings = dict.fromkeys(("start", "stop", "shutdown", "destroy", "clone", "create"), 0.2)
    # long enough that even a busy machine sees the start still running at its first check
    timings |= {"start": 0.6, "full_clone": 0.4, "stubborn": [130], "address": ADDRESS_S}
    (state_dir / "timings.json").write_text(json.dumps(timings))
    network = ["--bridge", "vmbr0", "--subnet", "10.99.0.0/24"]
    return ["--node", "pve", *network, "--faults"]


class Replay:
    """Sends the recorded requests in order and compares the answers."""

    def __init__(
        self, node: LabNode, exchanges: list[dict[str, Any]], unrecorded: dict[str, list[Step]]
    ) -> None:
        self.unrecorded = unrecorded
        self.client = Client(node.url, str(node.state_dir / "ca.pem"))
        self.exchanges = exchanges
        self.outcomes: list[Outcome] = []
        self._upids: dict[str, str] = {}
        self._unmatched: list[str] = []
        self._ticket: dict[str, str] = {}
        self._seen: set[str] = set()

    def run(self) -> None:
        self._remove_own_setup()
        for exchange in self.exchanges:
            if exchange["case"] not in self._seen:
                self._seen.add(exchange["case"])
                for step in self.unrecorded.get(exchange["case"], []):
                    self._unrecorded(*step)
            self._replay(exchange)

    def _remove_own_setup(self) -> None:
        """Remove the pool and rights that a lab node has from the start."""
        for row in self._send("GET", "/api2/json/access/acl", None, ROOT).data:
            names = {f"{row['type']}s": row["ugid"], "roles": row["roleid"], "path": row["path"]}
            self._send("PUT", "/api2/json/access/acl", {**names, "delete": 1}, ROOT)
        self._send("DELETE", "/api2/json/pools/winux", None, ROOT)

    def _unrecorded(self, method: str, path: str, params: dict[str, Any]) -> None:
        if method == "WAIT":
            return self._wait()
        if method == "LATER":
            return time.sleep(ADDRESS_S)
        if method == "NODE":
            answer = self.client("PUT", path, None, json=params, is_whole=True)
            assert answer.status == 200, answer
            return None
        verb, _, who = method.partition(" ")
        token = "desk@pve!rw" if who else "root@pam!full"
        answer = self._send(verb, f"/api2/json{path}", params, {"kind": "token", "tokenid": token})
        if answer.status == 200 and isinstance(answer.data, str):
            self._unmatched.append(answer.data)
        return None

    def _wait(self) -> None:
        for _ in range(3000):
            active = self._send("GET", "/api2/json/nodes/pve/tasks?source=active", None, ROOT)
            if not active.data:
                return
            time.sleep(0.02)
        raise AssertionError("tasks do not end")

    def _replay(self, exchange: dict[str, Any]) -> None:
        path = self._our_path(exchange["path"])
        if path is None:
            self._count_as_different(exchange)
            return
        is_status = bool(re.search(r"/tasks/UPID[^/]+/(status|log)$", path))
        body = exchange.get("body")
        if is_status and isinstance(body, dict) and (body["data"] or {}) != {}:
            if path.endswith("/log") and body["data"][0]["t"] != "no content":
                self._wait_for(path)
            if path.endswith("/status") and body["data"]["status"] == "stopped":
                self._wait_for(path)
        query, params = exchange.get("query"), exchange.get("params")
        answer = self._send(exchange["method"], path, params, exchange["auth"], query, exchange)
        self._remember(answer, body)
        outcome = Outcome(exchange["case"], exchange["method"], exchange["path"], params or query)
        outcome.problems = list(_problems(exchange, answer))
        if is_status and isinstance(body, dict) and isinstance(body["data"], dict):
            outcome.state = body["data"].get("status", "")
        self.outcomes.append(outcome)

    def _count_as_different(self, exchange: dict[str, Any]) -> None:
        """A request that an earlier difference makes impossible counts as different, too."""
        outcome = Outcome(exchange["case"], exchange["method"], exchange["path"], None)
        outcome.problems.append("not asked")
        outcome.state = str((exchange["body"] or {}).get("data"))[:80]
        self.outcomes.append(outcome)

    def _our_path(self, path: str) -> str | None:
        match = re.search(r"UPID(?::|%3A)[^/]+", path)
        if match is None or "garbage" in match[0]:
            return path
        theirs = urllib.parse.unquote(match[0])
        if theirs not in self._upids:
            kind = recordings.plain_upids(theirs)
            ours = next((u for u in self._unmatched if recordings.plain_upids(u) == kind), None)
            if ours is None:
                return None
            self._unmatched.remove(ours)
            self._upids[theirs] = ours
        return path.replace(match[0], urllib.parse.quote(self._upids[theirs], safe=""))

    def _wait_for(self, path: str) -> None:
        upid = urllib.parse.unquote(path.split("/")[-2])
        for _ in range(3000):
            url = f"/api2/json/nodes/pve/tasks/{upid}/status"
            answer = self._send("GET", url, None, ROOT)
            if answer.status != 200 or answer.data["status"] == "stopped":
                return
            time.sleep(0.02)

    def _remember(self, answer: Answer, body: Any) -> None:
        ours = answer.json if answer.text.startswith("{") else None
        if not isinstance(ours, dict) or not isinstance(body, dict):
            return
        if str(body.get("data")).startswith("UPID") and str(ours.get("data")).startswith("UPID"):
            self._upids[body["data"]] = ours["data"]
        if isinstance(ours.get("data"), dict) and "ticket" in ours["data"]:
            self._ticket = ours["data"]

    def _send(
        self,
        method: str,
        path: str,
        params: Any,
        auth: dict[str, Any],
        query: Any = None,
        exchange: dict[str, Any] | None = None,
    ) -> Answer:
        headers = self._headers(auth, (exchange or {}).get("case", ""))
        more: dict[str, Any] = {"headers": headers, "is_whole": True}
        if query and method != "GET":
            path += "?" + urllib.parse.urlencode(query)
        if method in ("GET", "DELETE"):
            return self.client(method, path, query if method == "GET" else None, **more)
        kind = (exchange or {}).get("req_content_type") or ""
        if isinstance(params, dict):
            params = {key: _unredacted(key, value, auth, exchange) for key, value in params.items()}
        if params and "_raw" in params:
            form = "application/x-www-form-urlencoded"
            headers["Content-Type"] = kind or (form if "=" in params["_raw"] else "text/plain")
            return self.client(method, path, params["_raw"], **more)
        if "json" in kind:
            return self.client(method, path, None, json=params, **more)
        return self.client(method, path, params, **more)

    def _headers(self, auth: dict[str, Any], case: str) -> dict[str, str]:
        if auth["kind"] == "token":
            secret = {"auth.wrong-secret": "0" * 36, "auth.short-secret": "abc"}.get(case, SECRET)
            value = auth["tokenid"]
            value = value if value == "garbage" else f"{value}={secret}"
            return {"Authorization": f"PVEAPIToken={value}"}
        if auth["kind"] == "other-authorization":
            value = auth["value"]
            value = f"PVEAPIToken root@pam!full={SECRET}" if "PVEAPI" in value else value
            return {"Authorization": value}
        if auth["kind"] == "ticket":
            token = self._ticket["CSRFPreventionToken"] if auth.get("csrf") else ""
            token = token if "bad" not in case else "00000000:bad"
            cookie = urllib.parse.quote(self._ticket["ticket"], safe="")
            return {"Cookie": f"PVEAuthCookie={cookie}", "CSRFPreventionToken": token}
        return {}


ROOT = {"kind": "token", "tokenid": "root@pam!full"}


def _unredacted(key: str, value: Any, auth: Any, exchange: dict[str, Any] | None) -> Any:
    if not str(value).startswith("<redacted"):
        return value
    if key != "password":
        return SECRET
    size = int(re.search(r"\d+", value)[0])  # type: ignore[index]  # every redaction has its size
    return PASSWORD if size == len(PASSWORD) else "wrong-password"[:size]


def _problems(exchange: dict[str, Any], answer: Answer) -> Iterator[str]:
    expected = (exchange["status"], recordings.plain_upids(exchange["reason"]))
    got = (answer.status, recordings.plain_upids(answer.reason))
    if got != expected:
        yield f"answered {got[0]} {got[1]!r} instead of {expected[0]} {expected[1]!r}"
        return
    if exchange.get("body_raw") is not None:
        if answer.text != exchange["body_raw"]:
            yield f"body {answer.text!r} instead of {exchange['body_raw']!r}"
        return
    body = exchange.get("body")
    if body is None:
        if answer.text not in ("", "null"):
            yield f"body {answer.text!r} instead of none"
        return
    ours = answer.json
    if exchange["case"] == "storage.list":
        ours["data"] = [row for row in ours["data"] if row["storage"] not in LATER_STORAGES]
    if exchange["path"].endswith("/tasks") and exchange["status"] == 200:
        ours, body = _common_rows(ours, body)
    if exchange["path"].endswith("/log") and isinstance(ours, dict):
        ours, body = ({"data": recordings.log_lines(each)} for each in (ours, body))
    yield from recordings.differences(ours, body)


def _common_rows(ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Task lists depend on all earlier requests, recorded or not, so only rows in both are
    compared."""

    def name(row: Any) -> str:
        return recordings.plain_upids(row["upid"])

    mine, known = ({name(row): row for row in reversed(b["data"])} for b in (ours, theirs))
    both = mine.keys() & known.keys()
    assert both, "no task in common"
    return (
        {**ours, "data": [mine[key] for key in both]},
        {**theirs, "data": [known[key] for key in both]},
    )
