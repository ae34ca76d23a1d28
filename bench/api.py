"""`python -m bench.api`: the API's requests per second beside JupyterHub's, listeners, idle memory.

Both have the same number of users in SQLite and get the same requests from the same client on the
same machine, one after the other. JupyterHub has a null spawner and a null proxy, so that only its
REST API is measured; Winux launches the warm desktops of its pool.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

import psutil
import uvloop
from sqlalchemy import insert, select

from bench.http_load import Ask, Loaded, WrongAnswer, load
from bench.jupyterhub import jupyterhub
from bench.large_site import Place, fill_node, fill_site, make_places
from setup.failure import SetupFailed
from setup.lab import credentials, start_lab_node
from setup.portal import Portal
from setup.processes import Child
from setup.settings import BENCH, Settings, settings_from
from webapp.bootstrap import Services, build_services
from webapp.config import load as load_config
from webapp.domain.access import may_grant
from webapp.domain.people.keys import Scope
from webapp.domain.states import State
from webapp.models import Desktop, Person
from webapp.services.audit.record import Actor

SUBNET, VMIDS = "10.64.0.0/16", (30001, 49999)
PAGE = 50
#: Targets: the minimum ratio to JupyterHub's requests per second, and the maximum in megabytes.
AT_LEAST, MEMORY_MB = 3.0, 250
#: Spare warm desktops, for requests that have to be sent twice.
SPARE = 20
#: The number of people who launch in turns, so that no person's list of desktops grows long.
LAUNCHERS = 50
#: Only those JupyterHub users that are listed and read have servers; the others have none, which
#: saves minutes here and costs JupyterHub nothing.
STARTED = 100
HUB_PORTS = (18581, 18582)
SETTLE_S = 15
#: Seconds; longer than the request to a desktop takes.
ASK_S = 6
LISTENERS_EACH = 20


@dataclass
class Results:
    """All measurements."""

    winux: dict[str, Loaded]
    jupyterhub: dict[str, Loaded]
    memory_mb: dict[str, tuple[float, float]]
    """PSS and RSS of each kind of process when idle."""
    listeners: dict[str, float]


class Site:
    """A Winux site with a number of running desktops, each of another person, and a filled pool."""

    def __init__(self, settings: Settings, running: int, warm: int) -> None:
        self.settings = settings
        network = IPv4Network(settings.subnet)
        places = make_places(running + warm, network, settings.vmids[0])
        self.running, self.warm = places[:running], places[running:]
        settings.lab.mkdir(parents=True)
        fill_node(settings.lab, settings.bridge.lower(), settings.bridge, places)
        self.lab = start_lab_node(settings, "--backend", "memory")
        more = {
            "WINUX_MAX_DESKTOPS": "1000",
            "WINUX_LAUNCH_BURST": "1000",
            "WINUX_MAX_DESKTOPS_TOTAL": "100000",
        }
        self.portal = Portal(settings, credentials(settings, "portal"), more)
        self.portal.migrate()
        self.portal.make_person("bench", is_admin=True)
        self.services = build_services(load_config(self.portal.environment))
        fill_site(self.services, "bench", self.running)
        self.keys = self._make_keys()

    def fill_pool(self) -> None:
        """Insert rows of warm desktops; only while no worker runs that would check them."""
        _insert_warm(self.services, self.warm)

    def _make_keys(self) -> list[str]:
        """Create the admin's key and those of the people who launch."""
        with self.services.db.read() as session:
            people = list(session.scalars(select(Person).order_by(Person.id).limit(LAUNCHERS + 1)))
        return [
            self.services.keys.make(
                Actor(one.id, role=one.role),
                "bench",
                [Scope.ADMIN if may_grant(one.role, Scope.ADMIN) else Scope.LAUNCH],
            ).text
            for one in people
        ]


def main() -> int:
    """Print a table, or with --json one object; exit code 1 if a target is missed."""
    options = _options()
    try:
        results = _run(options)
    except (SetupFailed, WrongAnswer) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(json.dumps(_plain(results), indent=2) if options.json else _table(results, options))
    complaints = _complaints(results)
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


def _run(options: argparse.Namespace) -> Results:
    with tempfile.TemporaryDirectory(prefix="winux-api-") as folder:
        settings = replace(
            settings_from(os.environ, "WINUX_BENCH_", BENCH),
            folder=Path(folder) / "winux",
            subnet=SUBNET,
            vmids=VMIDS,
        )
        winux, memory, listeners = _measure_winux(settings, options)
        hub = _measure_jupyterhub(Path(folder) / "hub", options)
    return Results(winux, hub, memory, listeners)


def _measure_winux(
    settings: Settings, options: argparse.Namespace
) -> tuple[dict[str, Loaded], dict[str, tuple[float, float]], dict[str, float]]:
    site = Site(settings, options.desktops, options.launches + SPARE)
    children: list[Child] = [site.lab]
    try:
        worker, gateway, web = (
            site.portal.start_worker(), site.portal.start_gateway(), site.portal.start_web()
        )  # fmt: skip
        children += [worker, gateway, web]
        time.sleep(SETTLE_S if not options.short else 5)
        memory = {one.name: _memory_mb(one) for one in (web, worker, gateway)}
        status = _run_load(site, options, lambda _n: Ask("/api/v1/status", {}))
        worker.stop()  # it would check the made-up pool
        site.fill_pool()
        loaded = {**_load_winux(site, options), "status": status}
        listeners = _measure_listeners(site, gateway, options.listeners)
        return loaded, memory, listeners
    finally:
        site.services.db.close()
        for child in reversed(children):
            child.stop()


def _run_load(site: Site, options: argparse.Namespace, make: Callable[[int], Ask]) -> Loaded:
    return load(site.settings.port, make, clients=options.clients, seconds=options.seconds)


def _load_winux(site: Site, options: argparse.Namespace) -> dict[str, Loaded]:
    admin = {"X-API-Key": site.keys[0]}
    ids = [place.public_id for place in site.running]

    def run(make: Callable[[int], Ask]) -> Loaded:
        return _run_load(site, options, make)

    run(lambda _n: Ask(f"/api/v1/sessions?limit={PAGE}", admin))  # warm-up for both
    return {
        "list": run(lambda _n: Ask(f"/api/v1/sessions?limit={PAGE}", admin)),
        "get": run(lambda n: Ask(f"/api/v1/sessions/{ids[n % len(ids)]}", admin)),
        "launch": load(
            site.settings.port,
            lambda n: Ask(
                "/api/v1/sessions",
                {"X-API-Key": site.keys[1 + n % LAUNCHERS]},
                "POST",
                b'{"template": "xfce"}',
            ),
            clients=options.clients,
            requests=options.launches,
            expected=201,
        ),
    }


def _measure_jupyterhub(folder: Path, options: argparse.Namespace) -> dict[str, Loaded]:
    users = options.desktops + options.launches
    with jupyterhub(folder, users, HUB_PORTS) as hub:

        def start(first: int, count: int) -> Loaded:
            return load(
                hub.port,
                lambda n: Ask(f"/hub/api/users/user{first + n}/server", hub.headers, "POST"),
                clients=options.clients,
                requests=count,
                expected=201,
            )

        def run(make: Callable[[int], Ask]) -> Loaded:
            return load(hub.port, make, clients=options.clients, seconds=options.seconds)

        start(0, STARTED)
        listing = f"/hub/api/users?limit={PAGE}"
        run(lambda _n: Ask(listing, hub.headers))
        return {
            "list": run(lambda _n: Ask(listing, hub.headers)),
            "get": run(lambda n: Ask(f"/hub/api/users/user{n % STARTED}", hub.headers)),
            "status": run(lambda _n: Ask("/hub/api/info", hub.headers)),
            "launch": start(options.desktops, options.launches),
        }


# -- listeners ------------------------------------------------------------------------------------


def _measure_listeners(site: Site, gateway: Child, count: int) -> dict[str, float]:
    """Measure the cost of the open streams for the gateway."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, count + 500))
    return uvloop.run(_listen(site, gateway, count))


async def _listen(site: Site, gateway: Child, count: int) -> dict[str, float]:
    process = psutil.Process(gateway.process.pid)
    before = process.memory_full_info().pss
    streams = []
    began = time.monotonic()
    for number in range(count):
        key = site.keys[1 + number // LISTENERS_EACH]
        reader, writer = await asyncio.open_connection("127.0.0.1", site.settings.gateway_port)
        writer.write(Ask("/api/v1/events", {"X-API-Key": key}).text("winux"))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head:
            raise WrongAnswer(f"a listener is refused: {head!r}")
        streams.append((reader, writer))
    opened = time.monotonic() - began
    await asyncio.sleep(3)
    busy = sum(process.cpu_times()[:2])
    await asyncio.sleep(10)
    busy = sum(process.cpu_times()[:2]) - busy
    after = process.memory_full_info().pss
    for _reader, writer in streams:
        writer.close()
    return {
        "listeners": count,
        "opened_s": round(opened, 2),
        "kb_each": round((after - before) / count / 1024, 1),
        "percent_of_a_core": round(busy * 10, 1),
    }


# -- helpers --------------------------------------------------------------------------------------


def _insert_warm(services: Services, places: Sequence[Place]) -> None:
    """Insert warm desktops as the pool's worker leaves them."""
    now = services.clock.now()
    with services.db.begin() as session:
        session.execute(
            insert(Desktop),
            [
                {
                    "public_id": place.public_id,
                    "template_id": 1,
                    "state": State.WARM,
                    "state_at": now - timedelta(minutes=2),
                    "minutes": 30,
                    "rdp_username": "desktop",
                    "keyboard_layout": "us",
                    "password_locked": services.vault.lock("not a password"),
                    "created_at": now - timedelta(minutes=3),
                    "build_started_at": now - timedelta(minutes=3),
                    "warmed_at": now - timedelta(minutes=2),
                    "vmid": place.vmid,
                    "node": "lab",
                    "address": place.address,
                    "template_version": "1",
                    "ssh_host_key_sha256": "SHA256:none",
                    "rdp_certificate_sha256": "00" * 32,
                    "row_version": 1,
                }
                for place in places
            ],
        )


def _memory_mb(child: Child) -> tuple[float, float]:
    """Return PSS and RSS of a process and its long-lived children.

    Children that query a desktop end at once, except for simulated desktops, which never answer.
    """
    parent = psutil.Process(child.process.pid)
    before = set(parent.children(recursive=True))
    time.sleep(ASK_S)
    stay = before & set(parent.children(recursive=True))
    members = [one.memory_full_info() for one in (parent, *stay)]
    pss, rss = sum(one.pss for one in members), sum(one.rss for one in members)
    return round(pss / 1024**2, 1), round(rss / 1024**2, 1)


def _complaints(results: Results) -> list[str]:
    complaints = []
    for what in ("list", "get", "launch"):
        times = results.winux[what].per_second / results.jupyterhub[what].per_second
        if times < AT_LEAST:
            complaints.append(f"{what}: {times:.1f} times JupyterHub's, less than {AT_LEAST:.0f}")
    pss = sum(one[0] for one in results.memory_mb.values())
    if pss > MEMORY_MB:
        complaints.append(f"idle, the three take {pss:.0f} MB (PSS), more than {MEMORY_MB}")
    return complaints


def _plain(results: Results) -> Mapping[str, object]:
    return asdict(results)


def _table(results: Results, options: argparse.Namespace) -> str:
    site = f"{options.desktops:,} desktops, {options.clients} clients"
    lines = [f"{site:32}  Winux/s    p95 ms   JupyterHub/s    p95 ms    times"]
    for what, ours in results.winux.items():
        theirs = results.jupyterhub[what]
        lines.append(
            f"  {what:30}{ours.per_second:9.1f} {ours.p95_ms:9.1f} {theirs.per_second:14.1f}"
            f" {theirs.p95_ms:9.1f} {ours.per_second / theirs.per_second:8.1f}"
        )
    lines.append("Idle memory, MB                    PSS       RSS")
    for name, (pss, rss) in results.memory_mb.items():
        lines.append(f"  {name:30}{pss:8.1f} {rss:9.1f}")
    totals = [sum(one[kind] for one in results.memory_mb.values()) for kind in (0, 1)]
    lines.append(f"  {'together':30}{totals[0]:8.1f} {totals[1]:9.1f}")
    heard = results.listeners
    lines.append(
        f"{heard['listeners']:.0f} listeners: opened in {heard['opened_s']} s, "
        f"{heard['kb_each']} kB each, {heard['percent_of_a_core']} % of a core"
    )
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--desktops", type=int, default=1000, help="that run (1000)")
    parser.add_argument("--launches", type=int, default=300, help="from the pool (300)")
    parser.add_argument("--listeners", type=int, default=500, help="event streams (500)")
    parser.add_argument("--seconds", type=float, default=8, help="seconds for each request (8)")
    parser.add_argument("--clients", type=int, default=8, help="clients at the same time (8)")
    parser.add_argument("--short", action="store_true", help="2 seconds each, fewer of all")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.short:
        options.seconds, options.launches, options.listeners = 2, 100, 200
    return options


if __name__ == "__main__":
    sys.exit(main())
