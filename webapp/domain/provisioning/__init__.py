"""When a build is tried again, and what can be adopted."""
