"""Containers with a hand-written mark or name, so that they look like desktops."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from setup.failure import SetupFailed
from setup.portal import WINUX
from setup.settings import CHECKOUT
from tests.attack.catalogue import attack
from tests.attack.client import Client
from tests.attack.container_notes import node_client
from tests.attack.desktop_answers import playbook
from tests.attack.promise import Broken
from tests.attack.target import Target
from tests.labnode.server import Client as NodeClient

#: Counted from the end of the portal's own VM ids, which are assigned from the start.
ABOVE = -5
OTHER_PORTAL, UNKNOWN = "school", "desktop-0f0f0f0f"
QUARANTINE_S = 1
ROUNDS = 3


@dataclass(frozen=True)
class Lxc:
    """A container, as the node reports it."""

    node: NodeClient
    path: str
    vmid: int

    def look(self) -> dict[str, Any]:
        """Return the values that any operation on the container would change."""
        config = self.node.get(f"{self.path}/config")
        status = self.node.get(f"{self.path}/status/current")
        if config.status != 200 or status.status != 200:
            raise Broken(f"the container {self.vmid} is gone: {config.reason}")
        kept = ("hostname", "description", "lock", "net0")
        found = {name: config.data.get(name) for name in kept}
        return found | {"status": status.data["status"], "pid": status.data.get("pid")}

    def change(self, **config: str) -> None:
        answer = self.node.put(f"{self.path}/config", **config)
        if answer.status != 200:
            raise RuntimeError(f"the node does not take {config}: {answer.reason}")

    def remove(self) -> None:
        """Remove the container in any state; if it is already gone, the attack reports that."""
        if self.node.get(f"{self.path}/config").status != 200:
            return
        with suppress(AssertionError):  # it does not run
            self.node.done(self.node.post(f"{self.path}/status/stop"))
        self.node.done(self.node.delete(self.path))


def mark(portal_id: str, desktop_id: str) -> str:
    return f"winux: portal={portal_id} desktop={desktop_id}"


def forgeries(own_portal: str, desktop_id: str) -> dict[str, tuple[str, str]]:
    """Return name and notes of each container that is created by hand beside the desktop."""
    return {
        "another portal's mark": (desktop_id, mark(OTHER_PORTAL, desktop_id)),
        "the desktop's name, no mark": (desktop_id, "a mail server"),
        "two marks": (UNKNOWN, f"{mark(own_portal, UNKNOWN)}\n{mark(OTHER_PORTAL, UNKNOWN)}"),
        "a mark within a line": (UNKNOWN, f"copied from {mark(own_portal, UNKNOWN)}"),
    }


@contextmanager
def made(target: Target, chosen: dict[str, tuple[str, str]]) -> Iterator[dict[str, Lxc]]:
    """Yield running containers, cloned from the template by hand."""
    node = node_client(target)
    [template] = target.portal.ask("template", "list")[:1]
    lxc = f"/nodes/{node.get('/nodes').data[0]['node']}/lxc"
    first = target.settings.vmids[1] + ABOVE
    found: dict[str, Lxc] = {}
    try:
        for vmid, (kind, (name, notes)) in enumerate(chosen.items(), first):
            wish = {"newid": vmid, "hostname": name, "description": notes, "pool": "winux"}
            done = node.done(node.post(f"{lxc}/{template['vmid']}/clone", **wish))
            found[kind] = Lxc(node, f"{lxc}/{vmid}", vmid)
            started = node.done(node.post(f"{lxc}/{vmid}/status/start"))
            if (done, started) != ("OK", "OK"):
                raise RuntimeError(f"{kind}: clone {done}, start {started}")
        yield found
    finally:
        for one in found.values():
            one.remove()


def reconcile(target: Target) -> set[tuple[str, int]]:
    """Return the kinds and VM ids that some rounds with a short quarantine find."""
    short = {"WINUX_QUARANTINE_SECONDS": str(QUARANTINE_S)}
    found: set[tuple[str, int]] = set()
    for _ in range(ROUNDS):
        done = subprocess.run(
            [WINUX, "reconcile", "--json"],
            cwd=CHECKOUT,
            env=target.portal.process_environment | short,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Broken(f"reconcile fails: {done.stderr.strip()[-300:]}")
        found |= {(row["kind"], row["vmid"]) for row in json.loads(done.stdout)}
        time.sleep(QUARANTINE_S + 1)
    return found


def check_refused(target: Target, kind: str, vmid: int) -> None:
    """Check that the container can neither be adopted nor destroyed by its id."""
    with suppress(SetupFailed):
        target.portal.ask("desktop", "adopt", str(vmid), "--owner", "forger")
        raise Broken(f"the container with {kind} was adopted")
    with suppress(RuntimeError):
        own = target.portal.environment["WINUX_PORTAL_ID"]
        playbook(target, "destroy-winux-session.yml", container_id=vmid, portal_id=own)
        raise Broken(f"the container with {kind} was destroyed by its id")


@attack(
    "proxmox: containers with another portal's mark, two marks, or a desktop's name",
    "none is adopted, stopped or destroyed, however often portal and nodes are compared",
)
def forged_marks(target: Target) -> str:
    own = target.portal.environment["WINUX_PORTAL_ID"]
    client = target.client("forger")
    with (
        target.session(client) as desktop_id,
        made(target, forgeries(own, desktop_id)) as containers,
    ):
        before = {kind: one.look() for kind, one in containers.items()}
        found = reconcile(target)
        for kind, one in containers.items():
            if ("foreign", one.vmid) not in found:
                raise Broken(f"the container with {kind} is not told as foreign: {sorted(found)}")
            check_refused(target, kind, one.vmid)
            if one.look() != before[kind]:
                raise Broken(f"the container with {kind} was touched: {one.look()}")
        target.wait_state(client, desktop_id, "ready")
    return f"{', '.join(containers)}: each told as foreign, not adopted, still runs untouched"


def container_of(target: Target, desktop_id: str) -> Lxc:
    [row] = target.rows("select vmid, node from desktops where public_id = ?", desktop_id)
    path = f"/nodes/{row['node']}/lxc/{row['vmid']}"
    return Lxc(node_client(target), path, row["vmid"])


@attack(
    "proxmox: a desktop's container gets another desktop's name, or another portal's mark",
    "the renamed desktop goes on; the other ends as lost, and its container is not touched",
)
def changed_by_hand(target: Target) -> str:
    renamed, remarked = target.client("renamed"), target.client("remarked")
    with target.session(renamed) as kept:
        lost = launch(target, remarked)
        mine, other = container_of(target, kept), container_of(target, lost)
        try:
            mine.change(hostname=lost)
            other.change(description=mark(OTHER_PORTAL, lost))
            before = mine.look(), other.look()
            found = reconcile(target)
            target.wait_until(lambda: state(remarked, lost) == "ended", "the other desktop ends")
            if (mine.look(), other.look()) != before:
                raise Broken(f"a container was touched: {mine.look()}, {other.look()}")
            target.wait_state(renamed, kept, "ready")
        finally:
            other.remove()
            mine.change(hostname=kept)
    kinds = ", ".join(sorted(kind for kind, _ in found))
    return f"told as {kinds}; the renamed is ready, the other ended, and its container still runs"


def launch(target: Target, client: Client) -> str:
    """Yield a ready desktop, which the attack itself ends."""
    answer = client.api("POST", "/sessions", {})
    if answer.status not in (201, 202):
        raise RuntimeError(f"the launch was refused: {answer.said}")
    desktop_id = str(answer.json["session_sub"])
    target.wait_state(client, desktop_id, "ready")
    return desktop_id


def state(client: Client, desktop_id: str) -> str:
    """Return the state from the API, or `ended` for a desktop that is no longer listed."""
    answer = client.api("GET", f"/sessions/{desktop_id}")
    return str(answer.json["status"]) if answer.status == 200 else "ended"
