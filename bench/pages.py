"""`python -m bench.pages`: requests per second and 95th percentile of the main pages.

The real web server on a database with 200 desktops; no node is needed, because pages read the
database alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import quantiles

from bench.many_desktops import fill_database
from setup.failure import SetupFailed
from setup.page_client import PageClient
from setup.portal import Portal
from setup.settings import BENCH, Settings, settings_from

PERSON, ADMIN = "bench", "bench-admin"
DESKTOPS = 200
METRICS_TOKEN = "only-of-the-benchmark"  # noqa: S105 (it guards made-up numbers)
#: No server listens there: a page that contacted a node would fail visibly.
NO_NODE = {
    "proxmox_api_host": "127.0.0.1",
    "proxmox_api_port": "1",
    "proxmox_api_user": "winux@pve",
    "proxmox_api_token_id": "none",
    "proxmox_api_token_secret": "none-at-all",
    "proxmox_node": "none",
    "proxmox_storage": "none",
    "proxmox_bridge": "none",
}


class Load:
    """Clients that repeat a request for one page for some seconds without a pause."""

    def __init__(self, settings: Settings, cookie: str, seconds: float, clients: int) -> None:
        self.settings = settings
        self.headers = {"Cookie": cookie, "Authorization": f"Bearer {METRICS_TOKEN}"}
        self.seconds = seconds
        self.clients = clients

    def run(self, path: str) -> dict[str, float]:
        """Return `per_second`, `p50_ms`, `p95_ms` and the `bytes` of the page."""
        times: list[float] = []
        sizes: set[int] = set()
        until = time.monotonic() + self.seconds
        threads = [
            threading.Thread(target=self._client, args=(path, until, times, sizes))
            for _ in range(self.clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not times:
            raise SetupFailed(
                f"{path} was never answered with a page.", "See the web server's log."
            )
        cuts = quantiles(times, n=20) if len(times) > 1 else times * 19
        return {
            "per_second": round(len(times) / self.seconds, 1),
            "p50_ms": round(cuts[9] * 1000, 1),
            "p95_ms": round(cuts[18] * 1000, 1),
            "bytes": max(sizes),
        }

    def _client(self, path: str, until: float, times: list[float], sizes: set[int]) -> None:
        web = http.client.HTTPConnection(self.settings.listen, self.settings.port, timeout=30)
        while (began := time.monotonic()) < until:
            web.request("GET", path, headers=self.headers)
            answer = web.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                return  # a redirect or an error is no page: `run` reports that nothing was timed
            times.append(time.monotonic() - began)
            sizes.add(len(body))
        web.close()


def main() -> int:
    """Print a table, or with --json one object; exit code 1 if a page fails."""
    options = _options()
    try:
        results = _run(options)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(json.dumps(results, indent=2) if options.json else _table(results))
    return 0


def _run(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="winux-pages-") as folder:
        settings = replace(settings_from(os.environ, "WINUX_BENCH_", BENCH), folder=Path(folder))
        portal = Portal(settings, NO_NODE, {"WINUX_METRICS_TOKEN": METRICS_TOKEN})
        portal.migrate()
        passwords = {
            PERSON: portal.make_person(PERSON),
            ADMIN: portal.make_person(ADMIN, is_admin=True),
        }
        desktop = fill_database(portal.environment, PERSON, DESKTOPS)
        web = portal.start_web()
        try:
            cookies = {name: cookie_of(settings, name, word) for name, word in passwords.items()}
            return {
                f"{what} ({path})": Load(
                    settings, cookies.get(who, ""), options.seconds, options.clients
                ).run(path)
                for what, who, path in main_pages(desktop)
            }
        finally:
            web.stop()


def main_pages(desktop_id: str) -> list[tuple[str, str, str]]:
    """Return name, user and path of each page."""
    return [
        ("sign in", "", "/sign-in"),
        ("launch", PERSON, "/"),
        ("one desktop", PERSON, f"/desktops/{desktop_id}"),
        ("its live part", PERSON, f"/desktops/{desktop_id}/live"),
        ("my desktops", PERSON, "/desktops/"),
        ("all desktops", ADMIN, "/admin/desktops/"),
        ("overview", ADMIN, "/admin/"),
        ("connections", ADMIN, "/admin/connections/"),
        ("pool", ADMIN, "/admin/pool/"),
        ("differences", ADMIN, "/admin/differences/"),
        ("metrics", "", "/metrics"),
    ]


def cookie_of(settings: Settings, name: str, password: str) -> str:
    client = PageClient(settings.url)
    client.sign_in(name, password)
    return client.cookie_header()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=5, help="seconds for each page (5)")
    parser.add_argument("--clients", type=int, default=4, help="clients at the same time (4)")
    parser.add_argument("--short", action="store_true", help="1 second for each page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.short:
        options.seconds = 1
    return options


def _table(results: Mapping[str, Mapping[str, float]]) -> str:
    lines = [f"Pages with {DESKTOPS} desktops{'':22} per s    p50    p95    bytes"]
    for name, told in results.items():
        lines.append(
            f"  {name:44} {told['per_second']:7.1f} {told['p50_ms']:6.1f} {told['p95_ms']:6.1f}"
            f" {told['bytes']:8.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
