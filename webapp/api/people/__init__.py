"""People and their keys."""
