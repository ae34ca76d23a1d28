"""Accounts, sign-ins, API keys, and what a person holds."""
