"""The administrators' pages: one blueprint, a file for each noun."""

from webapp.web.admin import (
    audit,
    checkup,
    connections,
    desktops,
    differences,
    keys,
    nodes,
    overview,
    pool,
    webhooks,
)
from webapp.web.admin.blueprint import blueprint

__all__ = [
    "audit",
    "blueprint",
    "checkup",
    "connections",
    "desktops",
    "differences",
    "keys",
    "nodes",
    "overview",
    "pool",
    "webhooks",
]
