"""Metrics and trends, computed from the database only."""
