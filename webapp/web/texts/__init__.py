"""Sentences for what the services and the domain have as codes."""
