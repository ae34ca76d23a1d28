"""The metrics that there are."""
