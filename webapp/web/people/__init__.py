"""Signing in, a person's own account and API keys."""
