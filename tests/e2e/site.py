"""A complete Winux under test: its processes, its node, and checks behind the pages."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rdp_probe import answers
from labnode.network import port_name
from setup.portal import WINUX, Portal
from setup.processes import Child
from setup.settings import Settings
from tests.lab import GoldenTemplate, RealLab
from tests.labnode.server import Client

#: Maximum seconds for anything that a loaded machine may slow down.
PATIENCE_S = 90


def wait_until(is_so: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until the condition holds; otherwise the test fails with `what`."""
    give_up = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up, f"not after {timeout_s:.0f} s: {what}"
        time.sleep(0.05)


@dataclass
class Site:
    """A running portal, its node, and every secret that it handed out."""

    settings: Settings
    lab: RealLab
    portal: Portal
    template: GoldenTemplate
    passwords: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    workers: list[Child] = field(default_factory=list)
    started: int = 0
    web: Child | None = None

    @property
    def url(self) -> str:
        return self.settings.url

    def add_person(self, name: str, *, is_admin: bool = False) -> None:
        self.passwords[name] = self.portal.make_person(name, is_admin=is_admin)
        self.secrets.add(self.passwords[name])

    # -- workers ----------------------------------------------------------------------------------

    def start_worker(self) -> Child:
        self.started += 1
        log = self.settings.logs / f"worker-{self.started}.log"
        worker = Child("worker", [WINUX, "worker"], log, self.portal.environment)
        self.workers.append(worker)
        return worker

    def stop_worker(self, worker: Child) -> None:
        self.workers.remove(worker)
        worker.stop(patience_s=60)

    def kill_worker(self, worker: Child) -> None:
        """Kill a process as the kernel does when memory runs out, without any cleanup."""
        self.workers.remove(worker)
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait(10)

    def start(self) -> None:
        """Start the web server and one worker."""
        self.web = self.portal.start_web()
        self.start_worker()

    def end(self) -> None:
        """Remove everything after a failure of any kind; does nothing if that is already done."""
        if self.web is None:
            return
        self.web.stop()
        self.web = None
        if not self.workers:
            self.start_worker()
        for public_id in self.portal.live_desktops():
            self.portal.stop_desktop(public_id)
        wait_until(lambda: not self.portal.live_desktops(), "all desktops end")
        for worker in self.workers.copy():
            self.stop_worker(worker)

    # -- the node ---------------------------------------------------------------------------------

    def node(self, token: str = "portal") -> Client:
        values = self.lab.settings(token)
        name = f"{values['proxmox_api_user']}!{values['proxmox_api_token_id']}"
        header = f"PVEAPIToken={name}={values['proxmox_api_token_secret']}"
        url = f"https://127.0.0.1:{self.lab.port}"
        return Client(url, values["proxmox_ca_file"], {"Authorization": header})

    def slow_down(self, path: str, seconds: float) -> None:
        """Delay the node's next answer to such a request; waiting requests continue."""
        fault = [{"kind": "slow", "path": path, "delay": seconds}]
        answer = self.node()("PUT", "/labnode/faults", None, is_whole=True, json=fault)
        assert answer.status == 200, answer

    def containers(self) -> dict[int, str]:
        """Return the desktops' containers on the node: VM id and host name."""
        first, last = self.settings.vmids
        listed = self.node().get("/nodes/lab/lxc").data
        return {int(c["vmid"]): c["name"] for c in listed if first <= int(c["vmid"]) <= last}

    # -- the database -----------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        return self.settings.folder / "winux.db"

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def desktop(self, public_id: str) -> dict[str, Any]:
        (row,) = self.rows("select * from desktops where public_id = ?", public_id)
        return row

    def desktops_of(self, name: str) -> list[str]:
        """Return all desktops that a person has ever launched."""
        query = "select d.public_id from desktops d join people p on p.id = d.owner_id"
        return [row["public_id"] for row in self.rows(f"{query} where p.name = ?", name)]

    def wait_for_step(self, public_id: str, step: str) -> None:
        query = (
            "select s.id from desktop_steps s join desktops d on d.id = s.desktop_id"
            " where d.public_id = ? and s.name = ?"
        )
        wait_until(lambda: self.rows(query, public_id, step), f"{public_id} at {step}")

    def wait_for_state(self, public_id: str, *states: str, timeout_s: float = PATIENCE_S) -> None:
        what = f"{public_id} {' or '.join(states)}"
        wait_until(lambda: self.desktop(public_id)["state"] in states, what, timeout_s)

    # -- what is left -----------------------------------------------------------------------------

    def leftovers(self, desktop: dict[str, Any]) -> list[str]:
        """Return every trace of a desktop on node, machine and in the portal, except its ended row.

        Call this before another launch, which may get the same VM id and address.
        """
        vmid, public_id = desktop["vmid"], desktop["public_id"]
        port = port_name(self.settings.bridge, vmid)
        found = {
            "container": vmid in self.containers(),
            "RDP server": answers(desktop["address"]),
            "processes": programs_in(public_id),
            "network port": Path("/sys/class/net", port).exists(),
            "mounts": self._mounts(vmid),
            "files": (self.lab.state_dir / "containers" / str(vmid)).exists(),
            "VM id": self.rows("select vmid from vmid_reservations where vmid = ?", vmid),
            "address": self.rows(
                "select address from address_reservations where address = ?", desktop["address"]
            ),
            "password": self.desktop(public_id)["password_locked"],
            "run folders": self.run_folders_of(public_id),
            "findings": self.rows(
                "select vmid from findings where resolved_at is null and desktop_id = ?", public_id
            ),
        }
        return [f"{kind}: {what}" for kind, what in found.items() if what]

    @property
    def portal_id(self) -> str:
        return self.portal.environment["WINUX_PORTAL_ID"]

    def _mounts(self, vmid: int) -> list[str]:
        lines = Path("/proc/self/mounts").read_text().splitlines()
        places = (str(self.lab.state_dir), f"/run/winux/{self.lab.bridge}")
        ours = [line for line in lines if any(place in line for place in places)]
        return [line for line in ours if f"/{vmid}" in line]

    def run_folders_of(self, public_id: str) -> list[str]:
        """Return the folders of Ansible runs that mention a desktop."""
        folders = (Path("/dev/shm"), self.settings.folder / "run")
        found = [f for place in folders for f in place.glob(f"winux-{self.portal_id}-*")]
        done = subprocess.run(
            ["grep", "-rlsF", "-D", "skip", public_id, *map(str, found), "/dev/null"],
            capture_output=True,
            text=True,
        )
        return done.stdout.split()


def programs_in(host_name: str) -> set[str]:
    """Return the names of the processes in a container, as seen from the machine."""
    names = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "root/etc/hostname").read_text().strip() == host_name:
                names.add((process / "comm").read_text().strip())
        except OSError:
            continue  # it ended during the check
    return names
