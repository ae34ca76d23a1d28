"""Desktops, which the API calls sessions."""
