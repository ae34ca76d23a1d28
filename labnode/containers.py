"""Real unprivileged LXC containers behind the lab node's API.

All state is read from the system and none is cached, so that a restarted lab node finds all of it
again after a kill: files in the state folder, mounts, control groups and network interfaces whose
names hold bridge and vmid.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from labnode import guest_network
from labnode.backend import BackendError, ContainerConfig, Interface, Net, Usage
from labnode.cgroups import Cgroup, find_version, has_swap_limit
from labnode.command import run
from labnode.host import RUN, has_apparmor, prepare_host
from labnode.lxc_config import ENDING, MONITOR, PAYLOAD, Machine, Place, find_owner, lxc_config
from labnode.mounts import NAMESPACE, Mounts
from labnode.network import PORT_SCRIPT, Network, Owner, counters
from labnode.storage import Storage

# A container that cannot run (no inotify instance left, a broken init) dies within this time after
# lxc-start reported success.
SETTLED_S = 0.1
SCRIPT_NAME = "isolate-port"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20


P = ParamSpec("P")
R = TypeVar("R")


def told(method: Callable[P, R]) -> Callable[P, R]:
    """Raise an OSError (a full disk, a file changed by hand) as an error in the task's log."""

    @functools.wraps(method)
    def tell(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            raise BackendError(str(error)) from error

    return tell


class LxcBackend:
    """Containers on this machine, on one bridge; `labnode.backend.Backend` documents the methods.

    A container's disk size is not enforced: overlays and folders have no quota (see `storage`).
    """

    def __init__(self, state_dir: Path, bridge: str, subnet: ipaddress.IPv4Network) -> None:
        self._state_dir = state_dir.absolute()
        self._network = Network(bridge, subnet, self._state_dir)
        self._mounts = Mounts(RUN / bridge)
        self._storage = Storage(self._state_dir, self._mounts, self._network.table)
        self._machine: Machine | None = None
        self._cpu: dict[int, tuple[float, float]] = {}

    @told
    def prepare(self) -> None:
        ids = prepare_host()
        self._network.refuse_conflicts()
        self._storage.prepare(ids)
        self._machine = Machine(
            bridge=self._network.bridge,
            cgroup_version=find_version(),
            swap_limit=has_swap_limit(),
            apparmor=has_apparmor(),
            port_script=self._write_port_script(),
        )
        self._network.prepare(self._owners())
        for vmid in self.existing():
            if not self.is_running(vmid):
                self._clear(vmid)
        self._storage.sweep()

    @told
    def create(self, vmid: int, archive: Path, config: ContainerConfig) -> None:
        if not config.unprivileged:
            raise BackendError("privileged containers are refused here: set unprivileged=1")
        self._storage.create(vmid, archive)

    @told
    def clone(self, source: int, vmid: int, *, full: bool) -> None:
        if full:
            self._storage.clone_full(source, vmid)
        else:
            self._storage.clone_linked(source, vmid)

    @told
    def make_template(self, vmid: int) -> None:
        if self.is_running(vmid):
            raise BackendError(f"CT {vmid} is running: stop it before it becomes a template")
        self._storage.make_template(vmid)

    @told
    def start(self, vmid: int, config: ContainerConfig) -> None:
        if self.is_running(vmid):
            raise BackendError(f"CT {vmid} already running")
        if self._storage.is_template(vmid):
            raise BackendError(f"CT {vmid} is a template and cannot be started")
        self._clear(vmid)
        try:
            first_id = self._storage.ids.take(self._storage.folder(vmid))
            self._storage.mount(vmid, first_id)
            self._mounts.keep_namespace(vmid, first_id)
            self._write_config(vmid, config, self._place(vmid, first_id))
            self._network.filter(self._owners())
            if owner := self._owner(vmid):
                self._network.forget(owner.address)
            self._launch(vmid)
        except (BackendError, OSError):
            self._clear(vmid)
            raise

    def take_address(self, vmid: int, net: Net) -> None:
        guest_network.take_address(self._init(vmid), net)

    def give_address(self, vmid: int, net: Net) -> None:
        guest_network.give_address(self._init(vmid), net)

    @told
    def stop(self, vmid: int) -> None:
        self._clear(vmid)

    @told
    def shutdown(self, vmid: int, timeout: float) -> bool:
        seconds = max(1, round(timeout))
        with suppress(BackendError):  # it did not react, or did not run: is_running decides
            self._lxc("lxc-stop", vmid, f"--timeout={seconds}", "--nokill", timeout_s=seconds + 5)
        if self._cgroup(vmid, PAYLOAD).is_populated():
            return False
        self._clear(vmid)
        return True

    @told
    def destroy(self, vmid: int) -> None:
        self._clear(vmid)
        self._storage.remove(vmid)
        self._cpu.pop(vmid, None)

    def is_running(self, vmid: int) -> bool:
        # A monitor without an init process belongs to a container that is about to restart itself
        # or to end. Check twice: it may move back to the group that was just checked.
        parts = (PAYLOAD, MONITOR, ENDING, MONITOR, PAYLOAD)
        return any(self._cgroup(vmid, part).is_populated() for part in parts)

    def usage(self, vmid: int) -> Usage:
        init = self._cgroup(vmid, PAYLOAD).init()
        try:
            return self._running_usage(vmid, init) if init else Usage()
        except (OSError, ValueError):  # it ended during the read
            return Usage()

    def interfaces(self, vmid: int) -> list[Interface]:
        return guest_network.interfaces(self._init(vmid))

    def _init(self, vmid: int) -> int:
        if init := self._cgroup(vmid, PAYLOAD).init():
            return init
        raise BackendError(f"CT {vmid} not running")

    def existing(self) -> set[int]:
        return self._storage.existing() | self._mounts.mounted() | self._network.ports()

    def _place(self, vmid: int, first_id: int) -> Place:
        return Place(
            root=self._mounts.root(vmid),
            port=self._network.port(vmid),
            cgroup=f"{self._network.table}/{vmid}",
            namespace=self._mounts.folder(vmid) / NAMESPACE,
            first_id=first_id,
        )

    def _cgroup(self, vmid: int, part: str = "") -> Cgroup:
        """Return the control group of a container's processes, or a subgroup."""
        return Cgroup(f"{self._network.table}/{vmid}/{part}".rstrip("/"), find_version())

    def _clear(self, vmid: int) -> None:
        """Kill all its processes and remove what a run leaves behind; keep the files."""
        self._cgroup(vmid).kill(STOP_TIMEOUT_S)
        self._network.remove_port(vmid)
        self._mounts.unmount(vmid)
        self._cgroup(vmid).remove()

    def _write_port_script(self) -> Path:
        # LXC passes its path to a shell, so it lies on a path without special characters.
        script = self._mounts.run_dir / SCRIPT_NAME
        script.write_text(PORT_SCRIPT)
        script.chmod(0o700)
        return script

    def _write_config(self, vmid: int, config: ContainerConfig, place: Place) -> None:
        if self._machine is None:
            raise BackendError("the lab node is not prepared")
        text = lxc_config(config, self._machine, place)
        (self._mounts.folder(vmid) / "config").write_text(text)
        address = config.net0.ip.partition("/")[0] if config.net0 else ""
        own = address if address[:1].isdigit() else "127.0.1.1"
        names = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
        # /etc/hostname in the root file system would override lxc.uts.name.
        self._storage.write_etc(place.root, "hostname", f"{config.hostname}\n", place.first_id)
        hosts = f"{names}{own} {config.hostname}\n"
        self._storage.write_etc(place.root, "hosts", hosts, place.first_id)

    def _owners(self) -> Iterator[Owner]:
        for vmid in self._storage.existing():
            with suppress(FileNotFoundError):  # never started, or destroyed meanwhile
                if owner := self._owner(vmid):
                    yield owner

    def _owner(self, vmid: int) -> Owner | None:
        return find_owner((self._mounts.folder(vmid) / "config").read_text())

    def _launch(self, vmid: int) -> None:
        log = self._mounts.folder(vmid) / "start.log"
        try:
            options = (f"--logfile={log}", "--logpriority=ERROR")
            self._lxc("lxc-start", vmid, *options, timeout_s=START_TIMEOUT_S)
            self._wait_settled(vmid)
        except BackendError as error:
            words = _first_errors(log) or str(error)
            raise BackendError(f"CT {vmid} did not start: {words}") from error

    def _wait_settled(self, vmid: int) -> None:
        time.sleep(SETTLED_S)
        if not self._cgroup(vmid, PAYLOAD).is_populated():
            raise BackendError("its init ended at once")

    def _lxc(self, program: str, vmid: int, *options: str, timeout_s: float) -> None:
        where = (f"--lxcpath={self._mounts.run_dir}", f"--name={vmid}")
        run(program, *where, *options, timeout_s=timeout_s)

    def _running_usage(self, vmid: int, init: int) -> Usage:
        group = self._cgroup(vmid, PAYLOAD)
        uptime_s = _uptime_s(init)
        received, sent = counters(self._network.port(vmid))
        return Usage(
            pid=init,
            uptime_s=int(uptime_s),
            cpu=self._cpu_share(vmid, group),
            mem=group.memory_bytes(),
            maxmem=group.memory_limit(),
            disk=self._storage.disk_bytes(vmid),
            netin=received,
            netout=sent,
        )

    def _cpu_share(self, vmid: int, group: Cgroup) -> float:
        now, used = time.monotonic(), group.cpu_seconds()
        before, used_before = self._cpu.get(vmid, (now, used))
        self._cpu[vmid] = now, used
        return (
            max(0.0, used - used_before) / (now - before) / group.cores() if now > before else 0.0
        )


def clean(state_dir: Path, bridge: str, *, keeps_files: bool = False) -> None:
    """Remove containers, mounts, bridge, packet filter and root file systems; idempotent.

    Call this only while no lab node serves this state folder; with `keeps_files` all files
    in it stay. Resources of other lab nodes stay, and so do the machine's own preparations (ids of
    root, inotify limit, lxcfs).
    """
    network = Network(bridge, ipaddress.IPv4Network("0.0.0.0/32"), state_dir.absolute())
    storage = Storage(state_dir.absolute(), Mounts(RUN / bridge), network.table)
    if not network.foreign_owner():
        group = Cgroup(network.table, find_version())
        group.kill(STOP_TIMEOUT_S)
        storage.unmount_all()
        network.remove()
        group.remove()
    if not keeps_files:
        storage.remove_files()


def take_down_network(state_dir: Path, bridge: str) -> None:
    """Remove bridge and packet filter and nothing else; the next `prepare` makes them again.

    For an idle lab node. Raises BackendError while a container runs.
    """
    network = Network(bridge, ipaddress.IPv4Network("0.0.0.0/32"), state_dir.absolute())
    if network.foreign_owner():
        return
    if running := network.ports():
        raise BackendError(f"containers still run on bridge {bridge}: {sorted(running)}")
    network.remove()
    (RUN / bridge / SCRIPT_NAME).unlink(missing_ok=True)
    with suppress(OSError):  # containers that are kept have their configuration there
        (RUN / bridge).rmdir()


def _first_errors(log: Path) -> str:
    """Return the first errors of LXC's log; later ones follow from them."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "; ".join(line.split(" - ", 2)[-1] for line in lines[:2])


def _uptime_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return float(Path("/proc/uptime").read_text().split()[0]) - started
