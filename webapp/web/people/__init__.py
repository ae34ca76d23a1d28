"""Signing in, one's account, one's API keys."""
