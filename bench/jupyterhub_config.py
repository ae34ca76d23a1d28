"""Configuration of the JupyterHub that bench/api.py measures beside Winux.

Leaves out everything outside its REST API that costs time. Its spawner starts no server and
immediately reports a running one, at an address that responds. Its proxy does nothing (the real one
would get an HTTP request for every server).
"""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.proxy import Proxy  # type: ignore[import-not-found]  # it has its own environment
from jupyterhub.spawner import Spawner  # type: ignore[import-not-found]  # the same


class NullProxy(Proxy):  # type: ignore[misc]  # which has no types here
    """Stores the routes."""

    should_start = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: dict[str, dict[str, Any]] = {}

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        return self.kept

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        self.kept[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self.kept.pop(routespec, None)


class NullSpawner(Spawner):  # type: ignore[misc]  # the same
    """Starts nothing and reports a running server."""

    async def start(self) -> tuple[str, int]:
        return "127.0.0.1", int(os.environ["BENCH_ANSWERING_PORT"])

    async def stop(self, now: bool = False) -> None:
        """Do nothing: there is no server."""

    async def poll(self) -> int | None:
        return None


c = get_config()  # type: ignore[name-defined]  # noqa: F821 (defined by JupyterHub)
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['BENCH_PROXY_PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['BENCH_HUB_PORT']}"
c.JupyterHub.proxy_class = NullProxy
c.JupyterHub.spawner_class = NullSpawner
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.active_server_limit = 0
c.JupyterHub.init_spawners_timeout = -1
c.JupyterHub.log_level = "ERROR"
c.JupyterHub.services = [
    {"name": "bench", "api_token": os.environ["BENCH_TOKEN"]},
]
c.JupyterHub.load_roles = [
    {
        "name": "bench",
        "scopes": ["admin:users", "admin:servers", "list:users", "read:hub"],
        "services": ["bench"],
    }
]
c.Authenticator.allow_all = True
