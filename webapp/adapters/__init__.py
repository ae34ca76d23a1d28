"""Everything that talks to the outside, each behind a protocol of `webapp.ports`."""
