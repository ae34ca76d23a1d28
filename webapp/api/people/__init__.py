"""The routes of people, their keys and the audit log."""
