"""Command line: `python -m labnode serve|clean --state-dir DIR`, `sweep --below DIR`."""

from __future__ import annotations

import argparse
import fcntl
import ipaddress
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import IO

from labnode import setup
from labnode.access import Access
from labnode.api import all_endpoints
from labnode.app import Application
from labnode.backend import Backend, BackendError
from labnode.certificates import ensure_certificate, fingerprint
from labnode.faults import Faults
from labnode.guests import Guests
from labnode.memory import MemoryBackend
from labnode.pace import PacedBackend
from labnode.routes import Node
from labnode.server import make_server
from labnode.snapshots import Snapshots
from labnode.statistics import EVERY_S, Statistics
from labnode.storages import Storages
from labnode.store import Store
from labnode.tasks import Tasks

DATABASE = "state.sqlite"
FINISH_S = 60.0
IMAGINED_MB = 1 << 20  # memory in MB of a node with imagined containers, unless an option sets it


def main() -> int:
    """Run the command; report errors that an operator can fix as one line on stderr."""
    options = _parse()
    os.umask(0o077)  # host programs get another umask: see labnode.command
    try:
        return {"serve": serve, "clean": clean, "sweep": sweep}[options.command](options)
    except (BackendError, OSError) as error:
        print(f"labnode: {error}", file=sys.stderr)
        return 1


def serve(options: argparse.Namespace) -> int:
    """Serve the API until SIGTERM; containers keep running."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    state_dir = options.state_dir.resolve()
    _take_folder(state_dir)
    with _only_one(state_dir):
        store = Store(state_dir / DATABASE)
        host, port = options.listen
        certificate, key = ensure_certificate(state_dir, host)
        faults = Faults() if options.faults else None
        nodes = _make_nodes(options, store, state_dir, fingerprint(certificate), faults)
        node = nodes[0]
        for one in nodes:
            one.backend.prepare()
            one.guests.recover(one.snapshots.copies())
            one.statistics.start()
        uploads = state_dir / "uploads"
        for rest in uploads.glob("pveupload-*"):
            rest.unlink()
        application = Application(node, all_endpoints(), uploads, faults)
        try:
            server = make_server(host, port, application, certificate, key)
        except OSError as error:
            raise OSError(f"cannot listen on {host}:{port}: {error}") from error
        port = server.bind_addr[1]
        _write_tokens(options, node, state_dir, host, port)

        # not an event: this handler may have interrupted a holder of the event's lock
        stops: SimpleQueue[int] = SimpleQueue()

        def stop(number: int, frame: FrameType | None) -> None:
            stops.put(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        threading.Thread(target=server.serve, name="serve").start()
        url = f"https://{host}:{port}"
        ready = state_dir / "ready"
        written = state_dir / "ready.new"
        written.write_text(json.dumps({"pid": os.getpid(), "url": url}) + "\n")
        written.replace(ready)  # a process that waits for the file never reads a partial one
        names = " ".join(one.name for one in nodes)
        print(f"labnode: node {names} ready at {url}", flush=True)
        stops.get()
        ready.unlink(missing_ok=True)
        server.stop()
        for one in nodes:
            one.tasks.finish(FINISH_S)
    return 0


def _take_folder(state_dir: Path) -> None:
    """Create the state directory with owner-only access; refuse one with unrelated files."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = ("lock", DATABASE)
    is_ours = setup.is_state_folder(state_dir) or any((state_dir / name).exists() for name in own)
    if not is_ours and any(state_dir.iterdir()):
        raise OSError(f"{state_dir} has files that no labnode made; choose an empty folder")
    state_dir.chmod(0o700)


def clean(options: argparse.Namespace) -> int:
    """Remove containers, mounts, bridge and packet filter of this state directory."""
    state_dir = options.state_dir.resolve()
    if not setup.is_state_folder(state_dir):
        return 0
    choice = json.loads((state_dir / setup.STATE).read_text())
    with _only_one(state_dir):
        if options.network:
            _take_down_network(choice, state_dir)
        else:
            _clean_backend(choice, state_dir)
            for file in state_dir.glob(f"{DATABASE}*"):
                file.unlink()
    return 0


def sweep(options: argparse.Namespace) -> int:
    """Remove what killed test runs left on this machine."""
    from labnode import leftovers

    for bridge in leftovers.sweep(options.below.resolve()):
        print(f"labnode: removed the rest of a lab node on bridge {bridge}")
    return 0


def _take_down_network(choice: dict[str, str], state_dir: Path) -> None:
    if choice["backend"] == "lxc":
        from labnode import containers

        containers.take_down_network(state_dir, choice["bridge"])


def _clean_backend(choice: dict[str, str], state_dir: Path) -> None:
    if choice["backend"] == "lxc":
        from labnode import containers

        containers.clean(state_dir, choice["bridge"])
        return
    further = [folder.name.partition("@")[2] for folder in state_dir.glob("memory@*")]
    for memory in (MemoryBackend(state_dir, name) for name in ("", *further)):
        for vmid in memory.existing():
            memory.destroy(vmid)


def _make_nodes(
    options: argparse.Namespace,
    store: Store,
    state_dir: Path,
    print_: str,
    faults: Faults | None,
) -> list[Node]:
    """Create one node, or several imagined ones that share pools, users and the API's address."""
    wanted: list[tuple[str, int]] = options.node or [("lab", 0)]
    if len({name for name, _ in wanted}) != len(wanted):
        raise OSError("two nodes have the same name")
    if len(wanted) > 1 and options.backend != "memory":
        raise OSError("only the memory backend can imagine several nodes")
    choice = {
        "backend": options.backend,
        "bridge": options.bridge,
        "subnet": str(options.subnet),
    }
    (state_dir / setup.STATE).write_text(json.dumps(choice))
    access, nodes = Access(store), list[Node]()
    for name, memory_mb in wanted:
        node = _make_node(options, store, state_dir, access, name, nodes)
        is_imagined = options.backend == "memory"
        memory = (memory_mb or IMAGINED_MB) if is_imagined else 0
        whole = replace(node, fingerprint=print_, memory_mb=memory, faults=faults, cluster=nodes)
        nodes.append(whole)
    return nodes


def _make_node(
    options: argparse.Namespace,
    store: Store,
    state_dir: Path,
    access: Access,
    name: str,
    before: list[Node],
) -> Node:
    """Create a node; the first uses the state directory itself, each other one a subdirectory."""
    further = name if before else ""
    gateway = next(options.subnet.hosts())
    backend = _make_backend(options.backend, state_dir, options.bridge, options.subnet, further)
    if options.pace:
        backend = PacedBackend(backend, options.pace)
    guests = Guests(store, backend, access, name, before[0].guests if before else None)
    guests.use_bridges({options.bridge})
    return Node(
        name=name,
        access=access,
        tasks=Tasks(store, name, is_further=bool(further)),
        storages=Storages(store, state_dir / "nodes" / name if further else state_dir),
        guests=guests,
        snapshots=Snapshots(store, backend, guests),
        statistics=Statistics(guests, _statistics_s(options)),
        backend=backend,
        bridge=options.bridge,
        gateway=ipaddress.IPv4Interface(f"{gateway}/{options.subnet.prefixlen}"),
        fingerprint="",
        pace=options.pace,
    )


def _statistics_s(options: argparse.Namespace) -> float:
    chosen: float | None = options.statistics
    return float(EVERY_S * options.pace if chosen is None else chosen)


def _make_backend(
    kind: str, state_dir: Path, bridge: str, subnet: ipaddress.IPv4Network, further: str
) -> Backend:
    if kind == "memory":
        return MemoryBackend(state_dir, further)
    from labnode.containers import LxcBackend

    return LxcBackend(state_dir, bridge, subnet)


def _write_tokens(
    options: argparse.Namespace, node: Node, state_dir: Path, host: str, port: int
) -> None:
    made = setup.ensure_users(node.access, options.bridge)
    for token in setup.grants(options.bridge):
        file = state_dir / f"{token}.env"
        if token not in made and not file.exists():
            made[token] = node.access.add_token(setup.USER, token)
        secret = made.get(token) or setup.read_settings(file)["proxmox_api_token_secret"]
        values = {
            "proxmox_api_host": host,
            "proxmox_api_port": str(port),
            "proxmox_api_user": setup.USER,
            "proxmox_api_token_id": token,
            "proxmox_api_token_secret": secret,
            "proxmox_node": node.name,
            "proxmox_ca_file": str(state_dir / "ca.pem"),
            "proxmox_storage": setup.DISK_STORAGE,
            "proxmox_template_storage": setup.TEMPLATE_STORAGE,
            "proxmox_pool": setup.POOL,
            "proxmox_bridge": options.bridge,
            "WINUX_NETWORK": str(options.subnet),
        }
        setup.write_settings(file, values)


def _only_one(state_dir: Path) -> IO[str]:
    """Lock the state directory, so that two servers never use the same state."""
    lock = (state_dir / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise OSError(f"{state_dir} is in use by another labnode; stop it first") from None
    return lock


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="labnode", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "clean"):
        commands.add_parser(name).add_argument("--state-dir", type=Path, required=True)
    commands.choices["clean"].add_argument(
        "--network", action="store_true", help="only bridge and packet filter; root files stay"
    )
    commands.add_parser("sweep").add_argument(
        "--below", type=Path, required=True, help="lab nodes of this folder rest for good"
    )
    serve_ = commands.choices["serve"]
    serve_.add_argument("--backend", choices=("lxc", "memory"), default="lxc")
    serve_.add_argument("--listen", type=_address, default=("127.0.0.1", 8006))
    serve_.add_argument(
        "--node",
        action="append",
        type=_node,
        metavar="NAME[:MEMORY_MB]",
        help="lab; several times (memory backend only) for a cluster",
    )
    serve_.add_argument("--bridge", default="wxbr0")
    serve_.add_argument(
        "--subnet", type=ipaddress.IPv4Network, default=ipaddress.IPv4Network("10.203.0.0/24")
    )
    serve_.add_argument("--faults", action="store_true", help="allow faults on demand, for tests")
    serve_.add_argument(
        "--pace",
        type=float,
        default=0.0,
        metavar="FACTOR",
        help="take the times of a real Proxmox VE: 1 all of them, 0.1 a tenth, 0 none",
    )
    serve_.add_argument(
        "--statistics",
        type=float,
        metavar="SECONDS",
        help=f"how often lists of the cluster are brought up to date; 0: they always are"
        f" (default {EVERY_S:g} times the pace)",
    )
    return parser.parse_args()


def _node(text: str) -> tuple[str, int]:
    name, _, memory_mb = text.partition(":")
    return name, int(memory_mb or 0)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)


if __name__ == "__main__":
    sys.exit(main())
