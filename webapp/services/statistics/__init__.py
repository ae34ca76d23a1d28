"""Metrics and trends, from rows alone."""
