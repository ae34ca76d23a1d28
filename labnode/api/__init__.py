"""The endpoints, one file per part of the API."""

from __future__ import annotations

from labnode.api import (
    access,
    cluster,
    firewall,
    lxc,
    lxc_clone,
    lxc_config,
    lxc_status,
    nodes,
    pools,
    snapshots,
    storage,
    tasks,
)
from labnode.routes import Table


def all_endpoints() -> Table:
    """Every endpoint of this server."""
    parts = (
        *(cluster, nodes, lxc, lxc_config, lxc_clone, lxc_status),
        *(snapshots, tasks, storage, access, pools, firewall),
    )
    return Table([route for part in parts for route in part.routes.routes])
