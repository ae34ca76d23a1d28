"""Writes `labnode/FIDELITY.md` from a replay: `python -m tests.labnode.fidelity`.

A case is one recorded request with its answer. Requests that are repeated in one case (polls, the
six
version requests of a module) count once, and as different if any of them differs.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from labnode.api import all_endpoints
from tests.labnode import recordings
from tests.labnode.scenario import UNRECORDED, UNRECORDED_8, Outcome, Replay, prepare
from tests.labnode.server import ROOT, LabNode

FILE = ROOT / "labnode" / "FIDELITY.md"
VERSION = "9.1"
GUEST = "/nodes/{node}/lxc/{vmid}"
TASK = "/nodes/{node}/tasks/{upid}"
STORAGE = "/nodes/{node}/storage"
# Endpoints that the product (portal, playbooks, set-up) or the official Ansible modules call.
CALLED = {
    "GET /version": "both",
    "GET /nodes": "both",
    "GET /nodes/{node}/status": "both",
    "GET /nodes/{node}/lxc": "both",
    "POST /nodes/{node}/lxc": "both",
    f"GET {GUEST}/config": "both",
    f"PUT {GUEST}/config": "both",
    f"GET {GUEST}/status/current": "both",
    f"GET {GUEST}/interfaces": "both",
    f"POST {GUEST}/status/start": "both",
    f"POST {GUEST}/status/stop": "product",
    f"POST {GUEST}/status/shutdown": "both",
    f"POST {GUEST}/status/reboot": "modules",
    f"POST {GUEST}/clone": "both",
    f"POST {GUEST}/template": "both",
    f"PUT {GUEST}/resize": "modules",
    f"GET {GUEST}/feature": "modules",
    f"DELETE {GUEST}": "both",
    f"GET {GUEST}/firewall/options": "product",
    f"PUT {GUEST}/firewall/options": "product",
    f"GET {GUEST}/firewall/rules": "both",
    f"POST {GUEST}/firewall/rules": "both",
    f"DELETE {GUEST}/firewall/rules/{{pos}}": "both",
    "GET /cluster/firewall/options": "product",
    "GET /nodes/{node}/firewall/options": "product",
    "GET /nodes/{node}/services/{service}/state": "product",
    f"GET {GUEST}/snapshot": "modules",
    f"POST {GUEST}/snapshot": "modules",
    f"DELETE {GUEST}/snapshot/{{snapname}}": "modules",
    f"POST {GUEST}/snapshot/{{snapname}}/rollback": "modules",
    "GET /nodes/{node}/qemu": "modules",
    "GET /nodes/{node}/network": "modules",
    "GET /nodes/{node}/tasks": "both",
    f"GET {TASK}/status": "both",
    f"GET {TASK}/log": "both",
    f"DELETE {TASK}": "product",
    "GET /cluster/resources": "both",
    "GET /cluster/nextid": "both",
    "GET /cluster/status": "product",
    "GET /pools": "modules",
    "POST /pools": "modules",
    "PUT /pools": "modules",
    "DELETE /pools": "modules",
    "GET /pools/{poolid}": "modules",
    "PUT /access/acl": "modules",
    "GET /access/permissions": "product",
    "POST /access/ticket": "both",
    f"GET {STORAGE}": "both",
    f"GET {STORAGE}/{{storage}}/content": "both",
    f"GET {STORAGE}/{{storage}}/status": "both",
    f"POST {STORAGE}/{{storage}}/upload": "both",
    f"DELETE {STORAGE}/{{storage}}/content/{{volume}}": "both",
}
LEFT = "a volume goes with its container; what a broken create has left stays on a real node"
SIZES = "disk sizes are shown, not enforced, so that too small and too big ones succeed"
NO_MOUNTS = "storages are always mounted"
# Every case with a different result, and the reason. A test checks that none is missing or
# superfluous.
DIFFERENT = {
    r"cleanup\.leftover-volumes": LEFT,
    r"fail\.(too-small-disk|full-fs-subvol-over).*|fail\.(small|huge)\.after": SIZES,
    r"fail\.storage-inactive|fail\.inactive\.after": NO_MOUNTS,
    r"resources\.final": "follows from cases above (mounts)",
    r"tasks\.final": "follows from cases above (disk sizes), and a start that failed there",
    r"resize\.ok\.task-status": "nothing is resized, so the task has ended at the first look",
    r"suspend\.stopped|node\.hosts": "not called by anybody: 501",
}


#: The older supported version, the number of its recorded cases on called endpoints, and the
#: minimum number of those that are the same, or differ only by the version: some depend on timing.
OLDER, OLDER_TOTAL, OLDER_SAME, OLDER_VERSION = "8.4", 563, 400, 40
#: Differences that are caused only by the version.
OF_VERSION = re.compile(
    r"\.data\.(release|version|repoid): |pressure\w+ too much$|VM\.GuestAgent\.\w+ too much$"
    r"|\.memory\.available too much$|\.(cgroup-mode|level) too much$"
)


#: A task that ended before a busy machine looked at it, whereas the recording saw it run.
ENDED_ALREADY = {".data.exitstatus too much", '.data.status: "stopped" instead of "running"'}


@dataclass
class Case:
    """All exchanges of one kind in one case."""

    name: str
    endpoint: str
    problems: list[str]

    @property
    def reason(self) -> str:
        found = (why for pattern, why in DIFFERENT.items() if re.fullmatch(pattern, self.name))
        return next(found, "")

    @property
    def kind(self) -> str:
        if not self.problems:
            return "same"
        return "missing" if "501" in self.reason else "simplified"


#: Lists of the cluster are updated with the delay of a real node; the scenario triggers the
#: updates.
LAGGING = ("--statistics", "3600")


def replayed(version: str = VERSION, more: tuple[str, ...] = ()) -> list[Case]:
    """Replay the scenario of that version on a fresh lab node, with `more` options."""
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        node = LabNode(state_dir, [*prepare(state_dir), *more]).start()
        try:
            unrecorded = UNRECORDED if version == VERSION else UNRECORDED_8
            replay = Replay(node, recordings.read(version), unrecorded)
            replay.run()
        finally:
            node.stop()
    cases: dict[tuple[str, ...], Case] = {}
    for outcome in replay.outcomes:
        endpoint = endpoint_of(outcome)
        key = (outcome.case, endpoint, json.dumps(outcome.params), outcome.state)
        case = cases.setdefault(key, Case(outcome.case, endpoint, []))
        if case.reason or not set(outcome.problems) <= ENDED_ALREADY:
            case.problems += outcome.problems
    return list(cases.values())


def endpoint_of(outcome: Outcome) -> str:
    """Return the endpoint of an exchange, as named in Proxmox's own list."""
    path = re.sub(r"^/api2/(json|extjs)", "", outcome.path).rstrip("/") or "/"
    path = re.sub(r"/nodes/[^/]+", "/nodes/{node}", path)
    path = re.sub(r"/(lxc|qemu)/[^/]+", r"/\1/{vmid}", path)
    path = re.sub(r"/tasks/[^/]+", "/tasks/{upid}", path)
    path = re.sub(r"/content/.+", "/content/{volume}", path)
    path = re.sub(r"/storage/[^/]+", "/storage/{storage}", path)
    path = re.sub(r"/snapshot/[^/]+", "/snapshot/{snapname}", path)
    path = re.sub(r"^/pools/.+", "/pools/{poolid}", path)
    return f"{outcome.method} {path}"


def share(cases: list[Case]) -> tuple[int, int]:
    """Return how many cases on called endpoints are the same, and their total."""
    called = [case for case in cases if case.endpoint in CALLED]
    return sum(not case.problems for case in called), len(called)


def older_share(cases: list[Case]) -> tuple[int, int]:
    """Return, for a replay of the older version on called endpoints, the number of identical cases,
    and of those that differ only by the version."""
    called = [case for case in cases if case.endpoint in CALLED]
    of_version = [c for c in called if c.problems and all(map(OF_VERSION.search, c.problems))]
    return sum(not case.problems for case in called), len(of_version)


def document(cases: list[Case], by_default: list[Case]) -> str:
    """Return the text of FIDELITY.md, from a lab node with delayed statistics and one without
    options."""
    same, total = share(cases)
    same_by_default, _ = share(by_default)
    return TEXT.format(
        version=VERSION,
        older=OLDER,
        older_same=OLDER_SAME,
        older_version=OLDER_VERSION,
        older_total=OLDER_TOTAL,
        same=same,
        total=total,
        percent=f"{100 * same / total:.1f} %",
        same_by_default=same_by_default,
        percent_by_default=f"{100 * same_by_default / total:.1f} %",
        endpoints="\n".join(_endpoint_rows(cases)),
        cases="\n".join(_case_rows(cases)),
    )


TEXT = """\
# How faithful the lab node is

Written by `python -m tests.labnode.fidelity`; a test fails when it is out of date.

The lab node follows Proxmox VE {version}. Requests that were recorded on a real {version} node are
sent to it in the same order, and status, reason line, texts, keys, types and values are compared;
only times, process ids, loads, sizes in use, digests and MAC addresses are compared by type.
Requests repeated within a case count once, and as different if one of them is.

**{same} of {total} recorded cases ({percent}) on endpoints that the product or the official Ansible
modules call come out the same** when lists of the cluster lag as on a real node (with
`--statistics 10` or `--pace 1`; the replay says when the node looks at its containers again).
By default they never lag: {same_by_default} of {total} ({percent_by_default}). What could not even
be asked, because an earlier answer was different, counts as different.

## Endpoint by endpoint

| endpoint | called by | same | simplified | missing |
|---|---|---|---|---|
{endpoints}

Every other endpoint of Proxmox VE is missing: 501 `Method 'GET /path' not implemented`.

## Case by case: what is different, and why

| case | endpoint | is | why |
|---|---|---|---|
{cases}

## Held against Proxmox VE {older}

The lab node answers as {version}. Of the {older_total} cases on these endpoints that were
recorded on a real {older} node at least {older_same} come out the same, and at least
{older_version} more but for what {version} has added or names otherwise: its version,
pressure fields, the privileges of guest agents, a node's level and memory available. They are
not counted above. What differs besides has
the reasons above, or comes from the recording itself: its races had other winners, a clone that was
broken off left locks and a half-made container, and requests that were not kept changed what
followed.

## Simplified, without a recorded case

- Storage `local-lab` calls itself `btrfs`, the type whose behaviour is closest: linked clones, one
  volume a container. It is a directory with overlay mounts. Disk sizes are not enforced.
- A linked clone of a container that is no template is a copy. A snapshot is a copy, too.
- Creates and clones that the end of the lab node itself has interrupted are rolled back at its
  next start, locks are released, and their tasks end with `unexpected status`; Proxmox leaves
  them to the operator.
- `DELETE` on the task of a running clone or create lets the step under way end. Then a clone is
  rolled back and leaves no lock; a create leaves its container with `lock: create`, as there.
- `password` and `ssh-public-keys` of a create are checked and not applied: who needs them in the
  container puts them into the template.
- Of the options, hostname, memory, swap, cores, net0 and nesting mean something here; the others
  (mount points, devices, CPU weight, name servers, start at boot ...) are checked, stored and
  shown. All containers are unprivileged.
- Pressure fields are null; `diskread`, `diskwrite`, `swap` and a volume's `used` are 0.
- Changes of a running container are stored and apply at its next start; nothing is ever `pending`.
- With real containers there is one node. The memory backend can imagine several (`--node a --node
  b`): they share users, pools and storage names, nothing else; there is no quorum to lose, no
  shared storage, and nothing migrates. What is on a node that is down is listed as `unknown`.
- Options and rules of the firewall are stored, shown and copied by clones. What keeps containers
  from each other is the lab node's own packet filter, always and whatever they say. Nodes have the
  options `enable` and `nftables`; there are no sets, aliases or security groups of addresses.
- There is no backup, no replication, no HA, no virtual machine.
- Users, groups, roles and tokens are made by the lab node itself, not over the API.
"""


def _endpoint_rows(cases: list[Case]) -> list[str]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for case in cases:
        counts[case.endpoint][case.kind] += 1
    ours = {f"{r.method} {re.sub(':path', '', r.path)}" for r in all_endpoints().routes}
    rows = []
    for endpoint in sorted({*counts, *CALLED, *ours}, key=lambda e: e.split(" ")[::-1]):
        found = counts.get(endpoint, {})
        numbers = [str(found.get(kind, "")) for kind in ("same", "simplified", "missing")]
        if not found:
            state = "no recorded case" if endpoint in ours else "501"
            numbers = ["", "", "501"] if state == "501" else [state, "", ""]
        who = CALLED.get(endpoint, "").replace("both", "product, modules")
        rows.append(f"| `{endpoint}` | {who} | {' | '.join(numbers)} |")
    return rows


def _case_rows(cases: list[Case]) -> list[str]:
    found = {(c.name, c.endpoint, c.kind, c.reason) for c in cases if c.problems}
    return [f"| {name} | `{where}` | {kind} | {why} |" for name, where, kind, why in sorted(found)]


def main() -> None:
    FILE.write_text(document(replayed(more=LAGGING), replayed()))


if __name__ == "__main__":
    main()
