"""The administrators' pages: one blueprint, a file for each noun."""

from webapp.web.admin import connections, desktops, overview, pool
from webapp.web.admin.blueprint import blueprint

__all__ = ["blueprint", "connections", "desktops", "overview", "pool"]
