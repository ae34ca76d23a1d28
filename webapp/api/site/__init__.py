"""The routes of templates, capacity, pools, connections, metrics and cleanup."""
