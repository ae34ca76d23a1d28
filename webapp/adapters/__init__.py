"""All code that talks to external systems, each part behind a protocol of `webapp.ports`."""
