"""When a build is retried, and what can be adopted."""
