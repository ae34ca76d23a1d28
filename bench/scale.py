"""`python -m bench.scale`: how Winux grows from 100 to 5,000 running desktops.

Uses the real API (the lab node with simulated containers), the real database, worker and web
server. The desktops and twenty ended ones for each are written in bulk; the measured operations are
real.
"""

from __future__ import annotations

import argparse
import http
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from statistics import median

import psutil
from sqlalchemy import ColumnElement, event, func, select, update

from bench.large_site import fill_node, fill_site, make_places
from bench.pages import ADMIN, METRICS_TOKEN, PERSON, Load, cookie_of, main_pages
from setup.commands import tail
from setup.failure import SetupFailed
from setup.lab import credentials, start_lab_node
from setup.portal import Portal
from setup.processes import Child
from setup.settings import BENCH, Settings, settings_from
from webapp.app import create_app
from webapp.bootstrap import Services, build_services
from webapp.bootstrap_worker import WorkerServices, build_worker_services
from webapp.config import load
from webapp.domain.states import State
from webapp.models import Desktop

#: Address and VM id ranges for thousands; no bridge is created and no packet is sent.
SUBNET, VMIDS = "10.64.0.0/16", (30001, 49999)
#: The 95th percentile of the seconds from a deadline to the request of the teardown, at most.
REAPER_P95_S = 5.0
TORN_DOWN = 8
PATIENCE_S = 300
#: Growth below this value is ignored: it is noise, or within the targets.
FLOOR = {"s": REAPER_P95_S, "ms": 50.0, "MB": 20.0, "": 0.0}
#: Each person has an idle limit, so that the idle check includes all desktops.
PORTAL_SETTINGS = {
    "WINUX_METRICS_TOKEN": METRICS_TOKEN,
    "WINUX_MAX_DESKTOPS_TOTAL": "10000",
    "WINUX_IDLE_MINUTES": "240",
}

#: Measurements, by name and unit.
Results = dict[tuple[str, str], float]


class Bench:
    """The measurements of one size: a site with this number of running desktops."""

    def __init__(self, settings: Settings, running: int, page_seconds: float) -> None:
        self.settings = settings
        self.page_seconds = page_seconds
        network = IPv4Network(settings.subnet)
        self.places = make_places(running, network, settings.vmids[0])
        self.children: dict[str, Child] = {}
        self.results: Results = {}

    def run(self) -> Results:
        """Run all measurements one after the other; stop all started processes."""
        try:
            portal, services, passwords = self._prepare()
            try:
                self._measure_work(services)
                self._count_queries(services, passwords)
                self.children["worker"] = portal.start_worker()
                self.children["web"] = portal.start_web()
                self._measure_pages(passwords)
                self._measure_reaper(services)
            finally:
                services.db.close()
            for name, child in self.children.items():
                self.results[f"memory of the {name}", "MB"] = _memory_mb(child)
            return self.results
        finally:
            for child in reversed(self.children.values()):
                child.stop()

    def _prepare(self) -> tuple[Portal, Services, dict[str, str]]:
        settings = self.settings
        settings.lab.mkdir(parents=True)
        fill_node(settings.lab, settings.bridge.lower(), settings.bridge, self.places)
        self.children["lab node"] = start_lab_node(settings, "--backend", "memory")
        portal = Portal(settings, credentials(settings, "portal"), PORTAL_SETTINGS)
        portal.migrate()
        passwords = {
            PERSON: portal.make_person(PERSON),
            ADMIN: portal.make_person(ADMIN, is_admin=True),
        }
        services = build_services(load(portal.environment))
        fill_site(services, PERSON, self.places)
        return portal, services, passwords

    # -- the worker's work ----------------------------------------------------------------------

    def _measure_work(self, services: Services) -> None:
        """Measure the worker's tasks in this process, one at a time, with nothing due."""
        parts = build_worker_services(services, "bench:0:0")
        self.results["history added up for metrics, once", "s"] = _time(services.tallies.settle)
        self._measure(services, "reconcile", parts.reconciler.reconcile, rounds=5)
        for name, tick in _ticks(parts).items():
            self._measure(services, name, tick, rounds=20)

    def _measure(
        self, services: Services, name: str, tick: Callable[[], object], rounds: int
    ) -> None:
        tick()
        self.results[name, "ms"] = 1000 * median(_time(tick) for _ in range(rounds))
        with _counting(services) as said:
            tick()
        self.results[f"{name}, queries", ""] = len(said)

    # -- pages ------------------------------------------------------------------------------------

    def _count_queries(self, services: Services, passwords: Mapping[str, str]) -> None:
        """Count the database queries of one request for each page, in this process."""
        app = create_app(services)
        for what, who, path in self._pages():
            browser = app.test_client()
            if who:
                signed_in = services.accounts.sign_in(who, passwords[who], "127.0.0.1", "bench")
                with browser.session_transaction() as cookie:
                    cookie["_user_id"] = signed_in
            with _counting(services) as said:
                answer = browser.get(path, headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
            if answer.status_code != http.HTTPStatus.OK:
                raise SetupFailed(f"{path} answered {answer.status_code}.", "Is the site filled?")
            self.results[f"page: {what}, queries", ""] = len(said)

    def _measure_pages(self, passwords: Mapping[str, str]) -> None:
        cookies = {who: cookie_of(self.settings, who, word) for who, word in passwords.items()}
        for what, who, path in self._pages():
            load = Load(self.settings, cookies.get(who, ""), self.page_seconds, clients=1)
            self.results[f"page: {what}, p95", "ms"] = load.run(path)["p95_ms"]

    def _pages(self) -> list[tuple[str, str, str]]:
        return main_pages(self.places[0].public_id)

    # -- the end of all desktops at one moment ----------------------------------------------------

    def _measure_reaper(self, services: Services) -> None:
        """Expire all desktops at once; measure how soon the worker requests and begins teardown."""
        deadline = services.clock.now() + timedelta(seconds=3)
        with services.db.begin() as session:
            session.execute(
                update(Desktop)
                .where(Desktop.state == State.READY)
                .values(deadline_at=deadline, deadline_told_at=deadline)
            )
        self._wait_for(services, Desktop.stop_requested_at.is_(None), at_most=0)
        delays = sorted(self._delays(services, deadline))
        self.results["expiry to teardown asked, p50", "s"] = delays[len(delays) // 2]
        self.results["expiry to teardown asked, p95", "s"] = delays[len(delays) * 95 // 100]
        asked = time.monotonic()
        self._wait_for(services, Desktop.state != State.ENDED, at_most=len(self.places) - TORN_DOWN)
        self.results[f"then {TORN_DOWN} torn down after", "s"] = time.monotonic() - asked

    def _wait_for(self, services: Services, what: ColumnElement[bool], at_most: int) -> None:
        """Wait until at most this number of the running desktops is still in this state."""
        give_up = time.monotonic() + PATIENCE_S
        mine = Desktop.vmid.is_not(None)  # desktops in history have returned theirs
        while True:
            with services.db.read() as session:
                left = session.scalar(select(func.count()).select_from(Desktop).where(mine, what))
            if (left or 0) <= at_most:
                return
            if time.monotonic() > give_up:
                log = self.children["worker"].log
                raise SetupFailed(f"{left} desktops still wait.\n{tail(log)}", "See above.")
            time.sleep(0.5)

    def _delays(self, services: Services, deadline: datetime) -> list[float]:
        with services.db.read() as session:
            asked = session.scalars(
                select(Desktop.stop_requested_at).where(Desktop.vmid.is_not(None))
            )
            return [(moment - deadline).total_seconds() for moment in asked if moment]


def _ticks(parts: WorkerServices) -> dict[str, Callable[[], object]]:
    """Return the periodic tasks of a worker with their intervals."""

    def look() -> None:
        parts.builder.build_one()
        parts.builder.build_for_pool_one()
        parts.teardown.teardown_one()

    def watch() -> None:
        parts.idle.stop_some()
        parts.idle.ask_one()
        parts.idle.warn_one()
        parts.idle.forgive()

    return {
        "worker: look for work (5 a second)": look,
        "worker: expiry (2 a second)": parts.lifetime.expire_some,
        "worker: deadlines to tell (1 a second)": parts.deadline_sender.send_deadline_one,
        "worker: idle desktops (each 5 s)": watch,
        "worker: pool (each 2 s)": parts.pools.keep,
    }


def _time(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@contextmanager
def _counting(services: Services) -> Iterator[list[str]]:
    """Count the statements that are sent to the database in the block."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            said.append(statement)

    event.listen(services.db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(services.db.engine, "before_cursor_execute", note)


def _memory_mb(child: Child) -> float:
    """Return the PSS of a process and its children in MB."""
    parent = psutil.Process(child.process.pid)
    members = [parent, *parent.children(recursive=True)]
    return sum(one.memory_full_info().pss for one in members) / 1024**2


def main() -> int:
    """Print the table, or with --json one object; exit code 1 if a measurement grows too fast."""
    options = _options()
    try:
        found = {running: _run(running, options) for running in options.sizes}
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    if options.json:
        told = {
            str(size): {f"{name} [{unit}]": round(value, 3) for (name, unit), value in one.items()}
            for size, one in found.items()
        }
        print(json.dumps(told, indent=2))
    else:
        print(_table(found))
    complaints = _complaints(found)
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


def _run(running: int, options: argparse.Namespace) -> Results:
    with tempfile.TemporaryDirectory(prefix="winux-scale-") as folder:
        settings = replace(
            settings_from(os.environ, "WINUX_BENCH_", BENCH),
            folder=Path(folder),
            subnet=SUBNET,
            vmids=VMIDS,
        )
        return Bench(settings, running, options.seconds).run()


def _complaints(found: Mapping[int, Results]) -> list[str]:
    """Report growth faster than the number of desktops, varying query counts and late ends."""
    smallest, largest = min(found), max(found)
    few, many = found[smallest], found[largest]
    complaints = [
        f"{name} grew {many[name, unit] / few[name, unit]:.1f} times from {smallest} to {largest}"
        for name, unit in few
        if many[name, unit] > max(few[name, unit] * largest / smallest, FLOOR[unit])
    ]
    complaints += [
        f"{name}: {few[name, unit]:.0f} became {many[name, unit]:.0f}"
        for name, unit in few
        if unit == "" and many[name, unit] != few[name, unit]
    ]
    late = many["expiry to teardown asked, p95", "s"]
    if late > REAPER_P95_S:
        complaints.append(f"with {largest} desktops the end is asked after {late:.1f} s (p95)")
    return complaints


def _table(found: Mapping[int, Results]) -> str:
    """Return a row for each measurement, with its ratio to the smallest size in brackets."""
    sizes = sorted(found)
    lines = [f"{'running desktops':44}" + "".join(f"{size:>20,}" for size in sizes)]
    for name, unit in found[sizes[0]]:
        first = found[sizes[0]][name, unit]
        cells = [
            f"{found[size][name, unit]:.{_digits(unit)}f} {unit:2}"
            + (f" ({found[size][name, unit] / first:5.1f}x)" if first else " " * 9)
            for size in sizes
        ]
        lines.append(f"{name:44}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def _digits(unit: str) -> int:
    return {"": 0, "s": 2}.get(unit, 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=4, help="seconds for each page (4)")
    parser.add_argument("--short", action="store_true", help="100 and 1,000; 1 second each page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.short:
        options.sizes, options.seconds = [100, 1000], 1
    return options


if __name__ == "__main__":
    sys.exit(main())
