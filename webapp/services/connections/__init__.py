"""Tickets, open connections, and the events that programs follow."""
